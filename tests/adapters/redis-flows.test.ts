import { afterEach, beforeEach, expect, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Group } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { redisServer } from "../support/redis-server.ts"
import { keysOf, type RedisStore, redisStore } from "../support/redis-store.ts"
import { settlementsBy } from "../support/settlements.ts"

let clock: ManualClock
let store: RedisStore
let driver: Driver

beforeEach(async () => {
  clock = manualClock()
  store = redisStore()
  driver = await store.open(clock)
})
afterEach(() => store.remove())

const task = (id: string, more: Record<string, unknown> = {}) => tasksBy(clock)(id, { more })
const take = async (max: number): Promise<readonly Delivery[]> =>
  (await driver.broker.reserve({ queues: ["default"], max, holder: "w", leaseMs: 60_000 })).deliveries
const idsOf = (taken: readonly Delivery[]) => taken.map(({ lease }) => lease.id)

const groupOf = (id: string, size: number, more: Partial<Group> = {}): Group => ({
  ...{ v: 1, id, size, openedAt: clock.now(), body: task(`${id}:body`), ...more },
})
const membersOf = (group: string, count: number) =>
  Array.from({ length: count }, (_, index) => task(`${group}:${index}`, { group: { group, index } }))

/** Ends what was taken as a worker does. */
const succeed = (taken: readonly Delivery[]) =>
  driver.broker.settle(
    taken.map((of) => {
      const { id, group, unique } = of.envelope
      const settlement = settlementsBy(clock).success(of)
      return {
        ...settlement,
        ...(group && { arrive: { ...group, id, ok: true } }),
        ...(unique && { unique: unique.key }),
      }
    }),
  )

/** The keys behind the namespace, by what they are called there. */
const keys = () =>
  store.behind(async (redis) =>
    (await keysOf(redis, store.prefix)).map((key) => key.slice(store.prefix.length)).sort(),
  )

test("a group of 10,000 members is opened by one settlement, and sends its body once", async () => {
  await driver.broker.enqueue([task("opener")])
  const [opener] = (await take(1)) as [Delivery]
  const next = membersOf("g", 10_000)
  const settlement = settlementsBy(clock).success(opener, null, next)
  expect(await driver.broker.settle([{ ...settlement, opens: [groupOf("g", 10_000)] }])).toEqual(["settled"])
  for (let count = 0; count < 10_000; ) {
    const taken = await take(1000)
    count += taken.length
    expect(new Set(await succeed(taken))).toEqual(new Set(["settled"]))
  }
  expect(await driver.groups.get(["g"])).toMatchObject([{ state: "complete", arrived: 10_000, failed: 0 }])
  expect((await driver.groups.arrivals("g", 9_990, 100)).map(({ index }) => index)).toEqual(
    Array.from({ length: 10 }, (_, at) => 9_990 + at),
  )
  expect(idsOf(await take(9))).toEqual(["g:body"])
}, 60_000)

test("what flows leave behind goes with its retention", async () => {
  const fair = { key: "a" }
  await driver.broker.enqueue(
    [...membersOf("g", 3), task("u", { unique: { key: "k", mode: "live" } }), task("f", { fair })],
    [groupOf("g", 3, { broken: [] })],
  )
  await driver.broker.enqueue(membersOf("lost", 1))
  const taken = await take(20)
  for (const { lease } of taken) await driver.notes.remember(lease, "n", 1)
  await succeed(taken)
  await succeed(await take(20))
  await clock.advance(10)
  const now = clock.now()
  expect(await driver.groups.prune(now, 10)).toBe(2)
  expect(await driver.notes.prune(now, 10)).toBe(6)
  await driver.inspector.forgetKeys(10)
  await driver.results.prune({ succeededBefore: now, otherBefore: now, max: 100 })
  await driver.inspector.queues()
  expect(await keys()).toEqual(["ends", "format", "running", "seq"])
})

test("a join that damage has lost is found by a sweep and made", async () => {
  await driver.broker.enqueue(membersOf("g", 2), [groupOf("g", 3), groupOf("open", 2)])
  await store.behind((redis) =>
    redis.hset(`${store.prefix}arrivals:g`, "7", '1{"id":"x","ok":true}', "8", '1{"id":"y","ok":true}'),
  )
  await store.behind((redis) => redis.hset(`${store.prefix}arrivals:g`, "9", '1{"id":"z","ok":true}'))
  expect(await driver.groups.sweep(10)).toMatchObject([{ id: "g", state: "complete", arrived: 3 }])
  expect(idsOf(await take(9)).sort()).toEqual(["g:0", "g:1", "g:body"])
  expect(await driver.groups.sweep(10)).toEqual([])
})

test("a group whose texts were damaged does not keep its members from ending", async () => {
  await driver.broker.enqueue(membersOf("g", 1), [groupOf("g", 1)])
  await store.behind((redis) => redis.hset(`${store.prefix}group:g`, "body", "no JSON"))
  await succeed(await take(1))
  expect(await driver.results.get(["g:0"])).toMatchObject([{ state: "succeeded" }])
})

test("members that end in one batch are each counted once, whoever came before", async () => {
  await driver.broker.enqueue(
    [...membersOf("g", 4), task("again", { group: { group: "g", index: 0 } })],
    [groupOf("g", 7)],
  )
  await succeed(await take(10))
  expect(await driver.groups.get(["g"])).toMatchObject([{ state: "open", arrived: 4 }])
  expect(await driver.groups.arrivals("g", 0, 1)).toMatchObject([{ id: "g:0" }])
  const late = [1, 4].map((index) => task(`late-${index}`, { group: { group: "g", index } }))
  await driver.broker.enqueue(late, [groupOf("g", 9)])
  expect(await driver.groups.get(["g"])).toMatchObject([{ size: 7 }])
  await succeed(await take(10))
  expect(await driver.groups.arrivals("g", 1, 1)).toMatchObject([{ id: "g:1" }])
  expect(await driver.groups.get(["g"])).toMatchObject([{ state: "open", arrived: 5 }])
})

test("a body with a unique key meets who lives when it is sent, not who has ended by the end of the batch", async () => {
  const unique = { key: "k", mode: "live" }
  const body = task("g:body", { unique })
  await driver.broker.enqueue([...membersOf("g", 1), task("holder", { unique })], [groupOf("g", 1, { body })])
  await succeed(await take(2))
  expect(await driver.results.get(["holder"])).toMatchObject([{ state: "succeeded" }])
  expect(await take(2)).toEqual([])
})

test("a turn among 10,000 keys, and of a key with 100,000 waiting tasks, is had at once", async () => {
  const many = (count: number, key: (n: number) => string, id: string) =>
    Array.from({ length: count }, (_, n) => task(`${id}${n}`, { fair: { key: key(n) } }))
  for (let part = 0; part < 10; part++)
    await driver.broker.enqueue(many(10_000, () => "noisy", `noisy-${part}-`))
  await take(10)
  await driver.broker.enqueue(many(10_000, (n) => `key-${n}`, "t"))
  const first = await take(5000)
  expect(idsOf(first).filter((id) => id.startsWith("noisy")).length).toBeLessThanOrEqual(1)
  const began = performance.now()
  for (let n = 0; n < 100; n++) await take(10)
  const each = (performance.now() - began) / 100
  console.log(`redis: a reserve of 10 among 10,000 fair keys takes ${each.toFixed(1)} ms`)
  expect(each).toBeLessThan(50)
  const rest = await take(200_000)
  expect(rest.length).toBe(110_000 - 5000 - 1000 - 10)
}, 120_000)

test("tasks that stand in no line of their shelf, because somebody else put them there, are taken", async () => {
  await driver.broker.enqueue([task("f1", { fair: { key: "a" } }), task("f2", { fair: { key: "b" } })])
  await store.behind((redis) =>
    redis.del(
      ...["lines:5:default", "line:5:default a", "line:5:default b"].map((key) => store.prefix + key),
    ),
  )
  expect(idsOf(await take(5)).sort()).toEqual(["f1", "f2"])
  expect(await take(5)).toEqual([])
})

test("the key of a line and of uniqueness may be any text", async () => {
  const texts = ["{", '"', "a b", "\n\u0000", "\u{1f600}", "x".repeat(1000), "5 0 0"]
  const all = texts.map((key, n) =>
    task(`t${n}`, { fair: { key }, unique: { key, mode: "live" }, input: key }),
  )
  await driver.broker.enqueue(all)
  expect(await driver.broker.enqueue(all.map((one, n) => ({ ...one, id: `d${n}` })))).toMatchObject(
    texts.map((_, n) => ({ id: `t${n}`, kind: "duplicate" })),
  )
  const taken = await take(20)
  expect(new Set(taken.map(({ envelope }) => envelope.input))).toEqual(new Set(texts))
  await driver.broker.settle(taken.map((of) => settlementsBy(clock).retry(of, 5)))
  await driver.broker.cancel(
    all.map(({ id }) => id),
    { terminate: false },
  )
  expect(await driver.inspector.forgetKeys(100)).toBe(0)
  expect((await keys()).filter((key) => /^(line|front|rested|keys)/.test(key))).toEqual([])
})

test("every key of flows carries the hash tag of its namespace", async () => {
  await using server = await redisServer()
  const own = await server.open({ namespace: "tagged", clock })
  await own.broker.enqueue(
    [...membersOf("g", 2), task("f", { fair: { key: "a" }, unique: { key: "k", mode: "live" } })],
    [groupOf("g", 2)],
  )
  const ask = { queues: ["default"], max: 2, holder: "w", leaseMs: 60_000 }
  const { deliveries } = await own.broker.reserve(ask)
  for (const { lease } of deliveries) await own.notes.remember(lease, "n", 1)
  await own.broker.cancel(["g:1"], { terminate: false })
  const found = (await server.command("KEYS", "*")) as string[]
  expect(found.filter((key) => !key.startsWith("stem:{tagged}:"))).toEqual([])
  expect(found.filter((key) => /group|notes|keys|line/.test(key)).length).toBeGreaterThan(4)
})
