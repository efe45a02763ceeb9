import type { DriverOptions } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { createLink } from "../../core/kit/link.ts"
import { machineClock } from "../machine-clock.ts"
import { type Client, connectClient, type Value } from "./client.ts"
import { isBroken, isRetryable, storeTrouble } from "./failures.ts"
import { locate, whereOf } from "./location.ts"

/** A statement, with the schema's name put in. */
export interface Statement {
  all<Row>(...values: readonly Value[]): Promise<readonly Row[]>
  one<Row>(...values: readonly Value[]): Promise<Row | undefined>
}

/**
 * One connection that is made when it is first needed, and anew when it was lost. Statements are sent one after the
 * other without waiting, and are done in that order. Everything throws `unavailable` for trouble of the whole store.
 */
export interface Connection {
  /** Where it leads, for messages. */
  readonly where: string
  readonly schema: string
  /** @param ms how long its answer may take; then the connection is taken for dead */
  sql(text: string, ms?: Millis): Statement
  /** Does more than a statement on a live connection. */
  use<T>(work: (client: Client) => Promise<T>, ms?: Millis): Promise<T>
  readonly up: boolean
  /** Whether anybody has needed it yet. */
  readonly needed: boolean
  /** Another connection to the server got no answer since then: unless this one did, it is left too. */
  leaveIfSilent(since: Millis): void
  close(): Promise<void>
}

const CONNECT_MS: Millis = 5000
/** Longer than the server's own limit for a statement, so that its answer comes first. */
const CALL_MS: Millis = 10_000
const TRIES = 6
/**
 * How long the answer of a small statement may take by which a process keeps or finds its work. Silence of so long is a
 * line that was cut with its sockets open, and work is to go on soon after it is mended.
 */
export const LIVE_MS: Millis = 4000

/** `connected` is called for each new connection before its first statement. */
export function createConnection(
  url: string,
  options: DriverOptions,
  connected: (client: Client) => Promise<void> | void = () => {},
  silent?: (since: Millis) => void,
): Connection {
  const location = locate(url, options.tls !== undefined)
  const where = whereOf(location)
  const link = createLink<Client>({
    ...{ clock: machineClock, where, connectMs: options.connectTimeoutMs ?? CONNECT_MS },
    // A call may have to wait for a connection first.
    callMs: Math.max(CALL_MS, options.connectTimeoutMs ?? CONNECT_MS),
    async connect() {
      const client = await connectClient(url, options)
      try {
        await connected(client)
      } catch (error) {
        client.destroy()
        throw error
      }
      return client
    },
    destroy: (client) => client.destroy(),
    broken: isBroken,
    ...(silent && { silent }),
    onEnd(client, ended) {
      client.ended = ended
    },
  })

  let needed = false
  async function use<T>(work: (client: Client) => Promise<T>, ms?: Millis): Promise<T> {
    needed = true
    for (let left = TRIES; ; left--) {
      try {
        return await link.use(work, ms)
      } catch (error) {
        if (!isRetryable(error) || left === 0) throw storeTrouble(error, where) ?? error
      }
      await machineClock.sleep(machineClock.random() * 2 ** (TRIES - left + 1))
    }
  }

  const inSchema = (text: string) => text.replaceAll(/\bstem\./g, `${location.schema}.`)

  return {
    where,
    schema: location.schema,
    sql(text, ms) {
      const named = inSchema(text)
      return {
        all: (...values) => use((client) => client.query(named, values), ms),
        one: async <Row>(...values: readonly Value[]) =>
          (await use((client) => client.query<Row>(named, values), ms))[0],
      }
    },
    use,
    get up() {
      return link.up
    },
    get needed() {
      return needed
    },
    leaveIfSilent: link.resetIfSilent,
    close: link.close,
  }
}
