import { expect, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { redisServer } from "../support/redis-server.ts"
import { keysOf, redisStore } from "../support/redis-store.ts"
import { settlementsBy } from "../support/settlements.ts"

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
const ask = { queues: ["default"], max: 500, holder: "w", leaseMs: 60_000 }

async function drain({ broker }: Driver): Promise<number> {
  for (let count = 0; ; ) {
    const { deliveries } = await broker.reserve(ask)
    if (deliveries.length === 0) return count
    await broker.settle(deliveries.map((one) => say.success(one)))
    count += deliveries.length
  }
}

test("every key carries the hash tag of its namespace, whatever is done", async () => {
  await using server = await redisServer()
  const driver = await server.open({ namespace: "tagged" })
  const { broker, inspector, results, workers } = driver
  await broker.enqueue([task("a"), task("b"), task("c"), task("d", { dueIn: 60_000 }), task("e")])
  const stop = new AbortController()
  const waits = [
    broker.wait(["other"], Number.POSITIVE_INFINITY, stop.signal),
    results.wait("d", 1e15, stop.signal),
  ]
  const { deliveries } = await broker.reserve({ ...ask, max: 3 })
  await broker.renew([{ lease: deliveries[2]?.lease as never, progress: { value: 1, at: 1 } }], 1000)
  const [a, b] = deliveries as [never, never]
  await broker.settle([say.burial(a), say.retry(b)])
  await inspector.pause("paused")
  await broker.cancel(["e"], { terminate: false })
  await workers.beat({ v: 1, id: "w", name: "w" } as never, 1000)
  const keys = (await server.command("KEYS", "*")) as string[]
  expect(keys.filter((key) => !key.startsWith("stem:{tagged}:"))).toEqual([])
  expect(keys.length).toBeGreaterThan(12)
  stop.abort()
  await Promise.all(waits)
})

test("100,000 tasks leave nothing behind but what is remembered, and that goes with its retention", async () => {
  const store = redisStore()
  const driver = await store.open(systemClock)
  const sizes = () =>
    store.behind(async (redis) => {
      const keys = await keysOf(redis, store.prefix)
      const bytes = await Promise.all(keys.map((key) => redis.memory("USAGE", key)))
      return { keys: keys.length, bytes: bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) }
    })
  const round = async (from: number, count: number) => {
    for (let at = 0; at < count; at += 5000)
      await driver.broker.enqueue(Array.from({ length: 5000 }, (_, each) => task(`task-${from + at + each}`)))
    expect(await drain(driver)).toBe(count)
    const all = { succeededBefore: 1e15, otherBefore: 1e15, max: count }
    expect(await driver.results.prune(all)).toBe(count)
    await driver.inspector.queues()
    return sizes()
  }
  try {
    const before = await round(0, 5000)
    const after = await round(5000, 100_000)
    expect(after.keys).toBe(before.keys)
    expect(after.bytes).toBeLessThan(before.bytes + 4096)
  } finally {
    await store.remove()
  }
}, 60_000)

test("a waiting task costs its envelope and less than 400 bytes", async () => {
  await using server = await redisServer(["--appendfsync", "no"])
  const driver = await server.open()
  const used = async () =>
    Number(/used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))?.[1])
  const sent = Array.from({ length: 20_000 }, (_, at) =>
    task(`01890a5d-ac96-774b-bcce-${String(at).padStart(12, "0")}`),
  )
  const before = await used()
  await driver.broker.enqueue(sent)
  const each = ((await used()) - before) / sent.length
  const envelope = JSON.stringify(sent[0]).length
  console.log(`redis: a waiting task of ${envelope} bytes costs ${Math.round(each)}`)
  expect(each).toBeLessThan(envelope + 400)
})

test("a worker that has left leaves no consumer behind", async () => {
  await using server = await redisServer()
  const { broker, workers } = await server.open({ namespace: "n" })
  const consumers = async () =>
    ((await server.command("XINFO", "CONSUMERS", "stem:{n}:running", "stem")) as unknown[]).length
  await broker.enqueue([task("a")])
  await workers.beat({ v: 1, id: "w", name: "w" } as never, 60_000)
  const { deliveries } = await broker.reserve(ask)
  expect(await consumers()).toBe(1)
  await broker.settle(deliveries.map((one) => say.success(one)))
  await workers.leave("w")
  expect(await consumers()).toBe(0)
  expect(await server.command("XLEN", "stem:{n}:running")).toBe(0)
})
