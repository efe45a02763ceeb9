/**
 * The floor under Stem's Redis store: the same scripts called by a plain ioredis, in one process, in lists of the same
 * length. Texts are written and read as JSON, for a store that keeps no tasks and no results would be no store.
 */
import { Redis } from "ioredis"
import client from "ioredis/package.json" with { type: "json" }
import { SCRIPTS } from "../../src/adapters/redis/scripts.ts"
import type { Place } from "../places.ts"
import { type BareRun, envelopeOf, newHolder, PRIORITY, statusOf } from "./bare.ts"
import { check } from "./check.ts"
import { type DrainAsk, lists, type System, type Timed } from "./system.ts"

/** Tasks in one script, as Stem's store sends them; two of them make a list of Stem's client. */
const CHUNK = 500
const LIST = 2 * CHUNK
const LEASE_MS = 60_000

type Verb = (name: keyof typeof SCRIPTS, ...args: (string | number)[]) => Promise<unknown[]>

async function open({ server, name }: Place): Promise<{ redis: Redis; verb: Verb }> {
  const redis = new Redis(server)
  for (const { text } of Object.values(SCRIPTS)) await redis.script("LOAD", text)
  const prefix = `stem:{${name}}:`
  const verb: Verb = (script, ...args) =>
    redis.evalsha(SCRIPTS[script].sha, 1, prefix, ...args) as Promise<unknown[]>
  return { redis, verb }
}

async function fill(verb: Verb, tasks: number, list: number): Promise<Timed> {
  const began = performance.now()
  for (const numbers of lists(tasks, list)) {
    const now = Date.now()
    const packed = numbers.map((n) => {
      const envelope = envelopeOf(n, now)
      return [envelope.id, envelope.queue, PRIORITY, now, JSON.stringify(envelope)]
    })
    const chunks = [packed.slice(0, CHUNK), packed.slice(CHUNK)].filter(({ length }) => length > 0)
    await Promise.all(chunks.map((chunk) => verb("enqueue", now, chunk.length, ...chunk.flat())))
  }
  return { tasks, ms: performance.now() - began }
}

/** While one list is finished the next is taken, as one behind the other on the same connection. */
async function drain(verb: Verb, { tasks }: DrainAsk): Promise<Timed> {
  const holder = newHolder()

  async function take(): Promise<BareRun[]> {
    const now = Date.now()
    const [, texts] = await verb("reserve", now, now + LEASE_MS, CHUNK, holder, "default")
    return (texts as readonly string[]).map((text) => {
      const envelope = JSON.parse(text.slice(text.indexOf("{"))) as BareRun["envelope"]
      return { envelope, token: 1, startedAt: now }
    })
  }

  async function finish(runs: readonly BareRun[]): Promise<void> {
    const now = Date.now()
    const packed = runs.flatMap(({ envelope, token, startedAt }) => {
      const status = statusOf(envelope, { token, startedAt, now, worker: holder })
      return [envelope.id, `${token} succeeded ${now} 0 ${JSON.stringify(status)}`]
    })
    const others = await verb("succeed", now, runs.length, 1, now, runs.length, ...packed)
    if (others.length > 0) throw new Error("a task is another's")
  }

  const began = performance.now()
  let runs = await take()
  while (runs.length > 0) {
    const next = take()
    await finish(runs)
    runs = await next
  }
  return { tasks, ms: performance.now() - began }
}

export const system: System = {
  about: {
    name: "bare ioredis",
    version: client.version,
    durability: "AOF, fsync once a second",
    results: "stored",
    handlers: "none",
  },
  enqueueOne: async (place, tasks) => fill((await open(place)).verb, tasks, 1),
  enqueueMany: async (place, tasks) => fill((await open(place)).verb, tasks, LIST),
  async drain(place, ask) {
    const { verb } = await open(place)
    await fill(verb, ask.tasks, LIST)
    const timed = await drain(verb, ask)
    await check(place, ask.tasks)
    return timed
  },
}
