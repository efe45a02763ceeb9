import { Cluster, Redis } from "ioredis"
import { open } from "../../src/adapters/redis/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Clock } from "../../src/core/kit/clock.ts"
import { type ManualClock, manualClock } from "./manual-clock.ts"

/** The server that tests share; `bun scripts/services.ts up` starts it. */
export const REDIS_URL = process.env.STEM_TEST_REDIS_URL || "redis://127.0.0.1:56379"

let count = 0

/** A namespace of its own for one test. */
export interface RedisStore {
  readonly namespace: string
  /** What all of its keys begin with. */
  readonly prefix: string
  open(clock: Clock): Promise<Driver>
  /** Does something behind the store's back. */
  behind<T>(act: (redis: Redis) => Promise<T>): Promise<T>
  /** Moves the clock by hand, with everything that is under way on the wire done before and after. */
  advance(clock: ManualClock, ms: number): Promise<void>
  /** Closes what is open and removes every key. */
  remove(): Promise<void>
}

export function redisStore(url = REDIS_URL): RedisStore {
  const namespace = `test-${process.pid}-${Date.now().toString(36)}-${++count}`
  const prefix = `stem:{${namespace}}:`
  const drivers: Driver[] = []
  /** An answer comes after those to everything sent before it; a few of them let what follows from these happen. */
  const quiet = async () => {
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all(drivers.map((driver) => driver.ping().catch(() => {})))
    }
  }
  const store: RedisStore = {
    ...{ namespace, prefix },
    async open(clock) {
      const driver = await open(url, { namespace, clock })
      drivers.push(driver)
      return driver
    },
    async behind(act) {
      const redis = clientOf(url)
      try {
        return await act(redis as Redis)
      } finally {
        redis.disconnect()
      }
    },
    async advance(clock, ms) {
      await quiet()
      const end = clock.now() + ms
      while (await clock.step(end - clock.now())) await quiet()
      await clock.advance(end - clock.now())
      await quiet()
    },
    async remove() {
      for (const driver of drivers) await driver.close()
      await store.behind(async (redis) => {
        const keys = await keysOf(redis, prefix)
        if (keys.length > 0) await redis.unlink(...keys)
      })
    },
  }
  return store
}

/** Of one server, or of a cluster. */
function clientOf(url: string): Redis | Cluster {
  const nodes = /^redis\+cluster:\/\/(.*)$/.exec(url)?.[1]
  if (nodes === undefined) return new Redis(url, { retryStrategy: () => null })
  const hosts = nodes.split(",").map((node) => `redis://${node}`)
  return new Cluster(hosts, { clusterRetryStrategy: () => null })
}

/** Every key that begins so. */
export async function keysOf(redis: Redis | Cluster, prefix: string): Promise<string[]> {
  const found: string[] = []
  for (const node of redis instanceof Cluster ? redis.nodes("master") : [redis]) {
    let cursor = "0"
    do {
      const [next, keys] = await node.scan(cursor, "MATCH", `${prefix}*`, "COUNT", 1000)
      found.push(...keys)
      cursor = next
    } while (cursor !== "0")
  }
  return found
}

/** What the exam is given: a fresh namespace of this server or cluster, which it may damage. */
export async function openForExam(url = REDIS_URL) {
  const store = redisStore(url)
  const opened = await openOnManualClock(store)
  const damage = async (id: string, text: string) =>
    store.behind(async (redis) => {
      const task = (await redis.hget(`${store.prefix}tasks`, id)) ?? ""
      await redis.hset(`${store.prefix}tasks`, id, task.slice(0, task.indexOf("{")) + text)
    })
  return { ...opened, again: () => store.open(opened.clock), damage, close: store.remove }
}

/** A store on a clock of its own. */
export async function openOnManualClock(store: RedisStore) {
  const clock = manualClock()
  return { clock, driver: await store.open(clock), advance: (ms: number) => store.advance(clock, ms) }
}
