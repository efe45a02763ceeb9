import { afterEach, beforeEach, expect, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { type PostgresStore, postgresStore } from "../support/postgres-store.ts"
import { settlementsBy } from "../support/settlements.ts"

let clock: ManualClock
let store: PostgresStore
let driver: Driver

beforeEach(async () => {
  clock = manualClock()
  store = postgresStore()
  driver = await store.open(clock)
})
afterEach(() => store.close())

const task = (id: string, more: Record<string, unknown> = {}) => tasksBy(clock)(id, { more })
const take = async (max: number): Promise<readonly Delivery[]> =>
  (await driver.broker.reserve({ queues: ["default"], max, holder: "w", leaseMs: 60_000 })).deliveries
const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ envelope }) => envelope.id)

/** Each goes on with a link, and arrives in the group. */
const goOn = (of: Delivery, index: number) => ({
  ...settlementsBy(clock).success(of, undefined, [task(`${of.envelope.id}1`)]),
  arrive: { group: "g", index, id: of.envelope.id, ok: true },
})

test("links follow in the order of their tasks, also where one of these has been renewed", async () => {
  await driver.broker.enqueue(["a", "b", "c"].map((id) => task(id)))
  const taken = await take(3)
  await driver.broker.renew([{ lease: (taken[0] as Delivery).lease }], 60_000)
  expect(await driver.broker.settle(taken.map(goOn))).toEqual(["settled", "settled", "settled"])
  expect(idsOf(await take(10))).toEqual(["a1", "b1", "c1"])
  await driver.broker.enqueue([], [{ v: 1, id: "g", size: 3, openedAt: clock.now(), body: task("body") }])
  expect(idsOf(await take(10))).toEqual(["body"])
})

test("beside one that is stale the others go on, and nothing follows from it", async () => {
  await driver.broker.enqueue(["a", "b", "c"].map((id) => task(id)))
  const taken = await take(3)
  await driver.broker.settle([settlementsBy(clock).success(taken[1] as Delivery)])
  expect(await driver.broker.settle(taken.map(goOn))).toEqual(["settled", "stale", "settled"])
  expect(idsOf(await take(10))).toEqual(["a1", "c1"])
  await driver.broker.enqueue([], [{ v: 1, id: "g", size: 2, openedAt: clock.now(), body: task("body") }])
  expect(idsOf(await take(10))).toEqual(["body"])
})

test("a link that is known already is left as it is", async () => {
  await driver.broker.enqueue([task("a"), task("b")])
  const taken = await take(2)
  await driver.broker.enqueue([task("a1"), task("other")])
  expect(await driver.broker.settle(taken.map(goOn))).toEqual(["settled", "settled"])
  expect(idsOf(await take(10))).toEqual(["a1", "other", "b1"])
})
