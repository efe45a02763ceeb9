import { afterEach, beforeEach, expect, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Groups } from "../../src/core/contracts/groups.ts"
import type { Group } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { settlementsBy } from "../support/settlements.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"

let clock: ManualClock
let file: SqliteFile
let driver: Driver
let groups: Groups

beforeEach(async () => {
  clock = manualClock()
  file = sqliteFile()
  driver = await file.open(clock)
  groups = driver.groups as Groups
})
afterEach(() => file.remove())

const task = (id: string, more: Record<string, unknown> = {}) => tasksBy(clock)(id, { more })
const take = async (max: number): Promise<readonly Delivery[]> =>
  (await driver.broker.reserve({ queues: ["default"], max, holder: "w", leaseMs: 60_000 })).deliveries

const groupOf = (id: string, size: number): Group => ({
  ...{ v: 1, id, size, openedAt: clock.now(), body: task(`${id}:body`) },
})

/** Stores members, takes them and ends them with one settle. */
async function arrive(group: string, count: number): Promise<void> {
  const tasks = Array.from({ length: count }, (_, index) =>
    task(`${group}:${index}`, { group: { group, index } }),
  )
  await driver.broker.enqueue(tasks)
  const say = settlementsBy(clock)
  await driver.broker.settle(
    (await take(count + 1))
      .filter(({ envelope }) => envelope.group)
      .map((of) => {
        const { id, group: place } = of.envelope
        return { ...say.success(of), arrive: { ...(place as NonNullable<typeof place>), id, ok: true } }
      }),
  )
}

const countIn = (table: string) =>
  file.behind((db) => (db.query(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n)

test("a join that the counts of a damaged file have lost is found by a sweep and made", async () => {
  await driver.broker.enqueue([], [groupOf("g", 3), groupOf("open", 2)])
  await arrive("open", 1)
  file.behind((db) => db.run("INSERT INTO arrivals SELECT number, 7, 1, '{}' FROM groups WHERE id = 'g'"))
  await arrive("g", 2)
  expect(await groups.get(["g"])).toMatchObject([{ state: "open", arrived: 2 }])
  expect(await groups.sweep(10)).toMatchObject([{ id: "g", state: "complete", arrived: 3 }])
  expect((await take(9)).map(({ lease }) => lease.id)).toEqual(["g:body"])
  expect(await groups.sweep(10)).toEqual([])
  expect(await groups.get(["g", "open"])).toMatchObject([{ state: "complete" }, { state: "open" }])
})

test("a group whose definition was damaged does not keep its members from ending", async () => {
  await driver.broker.enqueue([], [groupOf("g", 1)])
  file.behind((db) => db.run("UPDATE group_definitions SET definition = 'no JSON'"))
  await arrive("g", 1)
  expect(await driver.results.get(["g:0"])).toMatchObject([{ state: "succeeded" }])
})

test("what a damaged group should have sent is told, and sent once its text is mended", async () => {
  await driver.broker.enqueue([], [groupOf("g", 1)])
  const text = file.behind((db) => db.query("SELECT definition FROM group_definitions").get()) as {
    definition: string
  }
  file.behind((db) => db.run("UPDATE group_definitions SET definition = 'no JSON'"))
  await arrive("g", 1)
  expect(await take(9)).toEqual([])
  expect(await groups.get(["g"])).toMatchObject([
    { id: "g", size: 1, arrived: 1, openedAt: expect.any(Number) },
  ])
  await driver.broker.enqueue([], [groupOf("whole", 1)])
  file.behind((db) => db.run("INSERT INTO arrivals SELECT number, 0, 1, '{}' FROM groups WHERE id = 'whole'"))
  for (let times = 0; times < 2; times++)
    await expect(groups.sweep(10)).rejects.toMatchObject({
      ...{ kind: "unavailable", code: "damaged_group", message: expect.stringContaining("group g in ") },
    })
  expect((await take(9)).map(({ lease }) => lease.id)).toEqual(["whole:body"])
  file.behind((db) =>
    db.run("UPDATE group_definitions SET definition = ? WHERE definition = 'no JSON'", [text.definition]),
  )
  expect(await groups.sweep(10)).toMatchObject([{ id: "g", state: "complete" }])
  expect((await take(9)).map(({ lease }) => lease.id)).toEqual(["g:body"])
})

test("large groups are forgotten piece by piece, with all that they held", async () => {
  await driver.broker.enqueue([], [groupOf("g", 12_000), groupOf("other", 1)])
  await arrive("g", 12_000)
  await clock.advance(10)
  await arrive("other", 2)
  expect(await groups.prune(clock.now(), 10)).toBe(1)
  expect(await groups.get(["g", "other"])).toMatchObject([undefined, { state: "complete" }])
  expect([countIn("groups"), countIn("group_definitions"), countIn("arrivals")]).toEqual([1, 1, 2])
})

test("a shelf has no lines any more once nobody on it has a key, and takes turns again when somebody has", async () => {
  const forget = () => driver.inspector.forgetKeys?.(10)
  await driver.broker.enqueue([task("plain"), task("a", { fair: { key: "a" } })])
  const [first] = await take(1)
  await forget()
  expect([countIn("fair_shelves"), countIn("fair_lines")]).toEqual([1, 2])
  const [second] = await take(1)
  await forget()
  // It runs, and may come back.
  expect(countIn("fair_shelves")).toBe(1)
  const say = settlementsBy(clock)
  await driver.broker.settle([say.retry(first as Delivery, 50), say.success(second as Delivery)])
  await forget()
  const ran = [first, second].map((of) => of?.lease.id)
  expect(ran).toEqual(["plain", "a"])
  expect([countIn("fair_shelves"), countIn("fair_lines")]).toEqual([0, 0])
  await driver.broker.enqueue([task("b1", { fair: { key: "b" } }), task("b2", { fair: { key: "b" } })])
  await clock.advance(50)
  expect((await take(9)).map(({ lease }) => lease.id)).toEqual(["plain", "b1", "b2"])
})

test("keys are looked through in rounds when there are very many of them", async () => {
  file.behind((db) =>
    db.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000)
       INSERT INTO unique_keys SELECT 1, printf('k%05d', i), 'gone', iif(i < 44990, 9000000000000, NULL) FROM n`,
    ),
  )
  const forget = () => driver.inspector.forgetKeys?.(100)
  expect([await forget(), await forget(), await forget(), await forget()]).toEqual([0, 0, 11, 0])
})
