import { Cluster, type Redis } from "ioredis"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { messageOf, unavailable } from "../../core/kit/errors.ts"
import type { Link } from "../../core/kit/link.ts"
import type { Bell } from "./bell.ts"
import type { Client } from "./connection.ts"
import { storeTrouble } from "./failures.ts"
import { nodeOf } from "./nodes.ts"
import { SCRIPTS, type ScriptName } from "./scripts.ts"

/** One namespace of one server, as the parts of the driver share it. */
export interface Store {
  readonly clock: Clock
  readonly bell: Bell
  /** What every key begins with. */
  readonly prefix: string
  readonly where: string
  /** Aborts when the driver is closed. */
  readonly closing: AbortSignal
  /** Runs a script: one step that lands whole or not at all. */
  run<T>(script: ScriptName, args: readonly string[]): Promise<T>
  /** Any other command. */
  use<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** What names no key, such as INFO: to the server, or the node of a cluster that has this namespace. */
  useNode<T>(work: (node: Redis) => Promise<T>): Promise<T>
  /** The time there. */
  time(): Promise<Millis>
  /** A part of a sorted set, by ZRANGE's arguments. */
  range(key: string, ...how: readonly (string | number)[]): Promise<string[]>
  /** Resolves when the calls under way have ended. */
  idle(): Promise<void>
}

export function createStore(parts: {
  link: Link<Client> & { readonly where: string }
  bell: Bell
  clock: Clock
  prefix: string
  closing: AbortSignal
}): Store {
  const { link, prefix, closing } = parts
  const underWay = new Set<Promise<unknown>>()

  function use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (closing.aborted) return Promise.reject(unavailable("store_closed", `${link.where} has been closed`))
    const call = link
      .use((client) => work(client).catch(withoutArguments))
      .catch((error) => {
        throw storeTrouble(error, link.where) ?? error
      })
    underWay.add(call)
    const done = () => underWay.delete(call)
    call.then(done, done)
    return call
  }

  const useNode: Store["useNode"] = (work) => use(async (client) => work(await nodeOf(client, prefix)))

  return {
    ...{ clock: parts.clock, bell: parts.bell, prefix, where: link.where, closing, use, useNode },
    async time() {
      const [seconds, micros] = await useNode((node) => node.time())
      return Number(seconds) * 1000 + Number(micros) / 1000
    },
    range: (key, ...how) => use((client) => client.call("ZRANGE", key, ...how) as Promise<string[]>),
    run: (name, args) => use((client) => evaluate(client, name, prefix, args)),
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

/** The client library hangs what was sent on its errors; inputs of tasks have no business in a log. */
function withoutArguments(error: unknown): never {
  if (typeof error === "object" && error !== null) Reflect.deleteProperty(error, "command")
  throw error
}

/**
 * By its digest; whole when the server does not know it yet, or has forgotten it.
 *
 * A cluster moves the slot of a namespace key by key, and looks only at the keys that a call names to decide which node
 * has it. So a key that never is goes with the prefix: of a call with two keys that are not all there, both nodes say
 * TRYAGAIN until the whole slot has moved. With the prefix alone scripts would work on each half of a namespace.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#multi-key-operations
 */
async function evaluate<T>(
  client: Client,
  name: ScriptName,
  prefix: string,
  args: readonly string[],
): Promise<T> {
  const { sha, text } = SCRIPTS[name]
  const keys = client instanceof Cluster ? [prefix, `${prefix}never`] : [prefix]
  try {
    return (await client.evalsha(sha, keys.length, ...keys, ...args)) as T
  } catch (error) {
    if (!/^NOSCRIPT\b/.test(messageOf(error))) throw error
    return (await client.eval(text, keys.length, ...keys, ...args)) as T
  }
}
