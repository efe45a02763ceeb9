import { afterEach, beforeEach, expect, test } from "bun:test"
import { type Act, actValues } from "../../src/adapters/postgres/joins.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Group } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { type PostgresStore, postgresStore } from "../support/postgres-store.ts"
import { settlementsBy } from "../support/settlements.ts"

let clock: ManualClock
let store: PostgresStore
let driver: Driver
let other: Driver

beforeEach(async () => {
  clock = manualClock()
  store = postgresStore()
  driver = await store.open(clock)
  other = await store.open(clock)
})
afterEach(() => store.close())

const task = (id: string, more: Record<string, unknown> = {}) => tasksBy(clock)(id, { more })
const take = async (max: number, from = driver): Promise<readonly Delivery[]> =>
  (await from.broker.reserve({ queues: ["default"], max, holder: "w", leaseMs: 60_000 })).deliveries

const groupOf = (id: string, size: number): Group => ({
  ...{ v: 1, id, size, openedAt: clock.now(), body: task(`${id}:body`) },
})

const member = (group: string, index: number) => task(`${group}:${index}`, { group: { group, index } })

const arrivalOf = (of: Delivery) => {
  const { id, group } = of.envelope
  return {
    ...settlementsBy(clock).success(of),
    arrive: { ...(group as NonNullable<typeof group>), id, ok: true },
  }
}

const deadlocks = async () =>
  Number(
    (
      await store.behind<{ deadlocks: string }>(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
      )
    )[0]?.deadlocks,
  )

test("two workers settle members of the same groups in different orders, and nothing is lost nor stuck", async () => {
  const before = await deadlocks()
  const groups = Array.from({ length: 40 }, (_, n) => `g${n}`)
  for (let round = 0; round < 5; round++) {
    const named = groups.map((group) => `${round}${group}`)
    const members = named.flatMap((group) => Array.from({ length: 6 }, (_, index) => member(group, index)))
    await driver.broker.enqueue(members)
    const taken = await take(1000)
    expect(taken).toHaveLength(members.length)
    const mine = taken.filter(({ envelope }) => (envelope.group?.index ?? 0) % 2 === 0)
    const theirs = taken.filter((of) => !mine.includes(of)).toReversed()
    // Some are opened before, some while their members arrive.
    const open = (from: Driver, list: readonly string[]) =>
      from.broker.enqueue(
        [],
        list.map((id) => groupOf(id, 6)),
      )
    await open(driver, named.slice(0, 10))
    await Promise.all([
      driver.broker.settle(mine.slice(0, 60).map(arrivalOf)),
      other.broker.settle(theirs.slice(0, 60).map(arrivalOf)),
      open(other, named.slice(10).toReversed()),
      driver.broker.settle(mine.slice(60).map(arrivalOf)),
      other.broker.settle(theirs.slice(60).map(arrivalOf)),
    ])
    const facts = await driver.groups?.get(named)
    expect(facts?.map((one) => [one?.state, one?.arrived])).toEqual(named.map(() => ["complete", 6]))
    const bodies = await take(1000)
    expect(bodies.map(({ lease }) => lease.id).sort()).toEqual(named.map((id) => `${id}:body`).sort())
    await driver.broker.settle(bodies.map((of) => settlementsBy(clock).success(of)))
  }
  expect(await deadlocks()).toBe(before)
}, 60_000)

test("of one unique key that many send at once one is stored", async () => {
  const keys = Array.from({ length: 50 }, (_, n) => `k${n}`)
  const send = (from: Driver, sender: string, order: readonly string[]) =>
    from.broker.enqueue(order.map((key) => task(`${sender}${key}`, { unique: { key, mode: "live" } })))
  const before = await deadlocks()
  const answers = await Promise.all([
    send(driver, "a", keys),
    send(other, "b", keys.toReversed()),
    send(driver, "c", keys.toReversed()),
    send(other, "d", keys),
  ])
  expect(answers.flat().filter(({ kind }) => kind === "stored")).toHaveLength(50)
  expect(await take(1000)).toHaveLength(50)
  expect(await deadlocks()).toBe(before)
})

test("two take turns at once, and every task is taken once", async () => {
  const tasks = Array.from({ length: 400 }, (_, n) => task(`t${n}`, { fair: { key: `k${n % 7}` } }))
  await driver.broker.enqueue(tasks)
  const taken: string[] = []
  const takeAll = async (from: Driver) => {
    for (let some = await take(7, from); some.length > 0; some = await take(7, from))
      taken.push(...some.map(({ lease }) => lease.id))
  }
  await Promise.all([takeAll(driver), takeAll(other)])
  expect(taken.sort()).toEqual(tasks.map(({ id }) => id).sort())
})

test("a join that the counts of a damaged store have lost is found by a sweep and made", async () => {
  await driver.broker.enqueue([member("g", 0), member("g", 1)], [groupOf("g", 3), groupOf("open", 2)])
  await store.behind(
    `INSERT INTO stem.arrivals SELECT number, 7, true, '{}' FROM stem.groups
     WHERE id = 'g' AND ns = (SELECT ns FROM stem.namespaces WHERE name = $1)`,
    [store.namespace],
  )
  await driver.broker.settle((await take(2)).map(arrivalOf))
  expect(await driver.groups?.get(["g"])).toMatchObject([{ state: "open", arrived: 2 }])
  expect(await driver.groups?.sweep(10)).toMatchObject([{ id: "g", state: "complete", arrived: 3 }])
  expect((await take(9)).map(({ lease }) => lease.id)).toEqual(["g:body"])
  expect(await driver.groups?.sweep(10)).toEqual([])
  expect(await driver.groups?.get(["g", "open"])).toMatchObject([{ state: "complete" }, { state: "open" }])
})

test("large groups are forgotten piece by piece, with all that they held", async () => {
  const members = Array.from({ length: 12_000 }, (_, index) => member("g", index))
  await driver.broker.enqueue(members, [groupOf("g", 12_000)])
  for (let some = await take(2000); some.length > 1; some = await take(2000))
    await driver.broker.settle(some.map(arrivalOf))
  await clock.advance(10)
  const [found] = await store.behind<{ number: string }>("SELECT max(number) AS number FROM stem.groups")
  expect(await driver.groups?.prune(clock.now(), 10)).toBe(1)
  const left = await store.behind("SELECT 1 FROM stem.arrivals WHERE number = $1 LIMIT 1", [
    found?.number as string,
  ])
  expect(left).toEqual([])
}, 60_000)

test("a queue where nobody has a key any more pays nothing for turns", async () => {
  await driver.broker.enqueue([
    task("plain"),
    task("a", { fair: { key: "a" } }),
    task("b", { fair: { key: "b" } }),
  ])
  const count = async () => {
    const lines = "SELECT count(*)::integer AS n FROM stem.queues q"
    const mine = "WHERE q.ns = (SELECT ns FROM stem.namespaces WHERE name = $1)"
    const tables = ["fair_shelves", "fair_lines", "fair_news"].map((table) =>
      store.behind<{ n: number }>(`${lines} JOIN stem.${table} USING (queue) ${mine}`, [store.namespace]),
    )
    return (await Promise.all(tables)).map(([row]) => row?.n)
  }
  expect(await count()).toEqual([0, 0, 2])
  await take(1)
  expect(await count()).toEqual([1, 2, 0])
  await take(9)
  expect(await count()).toEqual([0, 0, 0])
})

test("keys of any text and length are told apart", async () => {
  const long = "\u{1f600}".repeat(499)
  const keys = [long, `${long}!`, "\u0000", "\u0001", "\u001e", "a\u001eb", "\u0001A", " ", "\\u0000", '"']
  const unique = (prefix: string) =>
    keys.map((key, n) => task(`${prefix}${n}`, { unique: { key, mode: "live" }, fair: { key } }))
  expect((await driver.broker.enqueue(unique("a"))).map(({ kind }) => kind)).toEqual(keys.map(() => "stored"))
  expect((await driver.broker.enqueue(unique("b"))).map(({ id }) => id)).toEqual(keys.map((_, n) => `a${n}`))
  expect(await take(99)).toHaveLength(keys.length)
})

test("a purge of a large group counts its members at once, one of several group by group", () => {
  const act = (of: number, group: string, ok = false) => ({
    of,
    arrive: {
      group,
      index: of,
      id: `${group}:${of}`,
      ok,
      ...(!ok && { error: { name: "E", message: "gone" } }),
    },
  })
  const stepsOf = (acts: readonly Act[]) => actValues(acts, new Map()).arrivals[1]
  const many = Array.from({ length: 1000 }, (_, of) => act(of + 1, "g"))
  expect(stepsOf(many)).toBe(`{${many.map(() => 1).join(",")}}`)
  expect(stepsOf([act(1, "a"), act(2, "a"), act(3, "b"), act(4, "a"), act(5, "b")])).toBe("{1,1,1,2,2}")
  expect(stepsOf([act(1, "a"), act(2, "a", true), act(3, "a", true), act(4, "a")])).toBe("{1,2,2,3}")
  expect(stepsOf([act(1, "a"), act(1, "a")])).toBe("{1,2}")
})
