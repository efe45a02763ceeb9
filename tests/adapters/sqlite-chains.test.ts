import { afterEach, beforeEach, expect, test } from "bun:test"
import { nextOf } from "../../src/core/canvas/advance.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { TaskLink } from "../../src/core/task/envelope.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { settlementsBy } from "../support/settlements.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"

const LINKS: readonly TaskLink[] = ["b", "c", "d", "e"].map((task) => ({
  task,
  input: { of: task, "ä€😀": 1 },
}))

let clock: ManualClock
let file: SqliteFile
let driver: Driver

beforeEach(async () => {
  clock = manualClock()
  file = sqliteFile()
  driver = await file.open(clock)
})
afterEach(() => file.remove())

const chain = (id: string, then = LINKS) => tasksBy(clock)(id, { task: "a", more: { then } })

async function take(from = driver): Promise<Delivery> {
  const { deliveries } = await from.broker.reserve({
    ...{ queues: ["default"], max: 1, holder: "w", leaseMs: 60_000 },
  })
  return deliveries[0] as Delivery
}

/** Ends it as a worker does, with what follows. */
async function succeed(of: Delivery, through = driver): Promise<void> {
  const { envelopes } = nextOf(of.envelope, null, clock.now())
  expect(await through.broker.settle([settlementsBy(clock).success(of, null, envelopes)])).toEqual([
    "settled",
  ])
}

const rows = (query: string) => file.behind((db) => db.query(query).values())
const chains = () => rows("SELECT count(*) FROM chains")[0]?.[0]

test("the rest of a chain is stored once, and each of its tasks carries what is left", async () => {
  await driver.broker.enqueue([chain("x")])
  for (const [at, name] of ["a", "b", "c", "d", "e"].entries()) {
    const of = await take()
    const rest = LINKS.slice(at)
    expect(of.envelope).toMatchObject({ task: name, ...(rest.length > 0 && { then: rest }) })
    expect(of.envelope.then ?? []).toHaveLength(rest.length)
    expect(of.envelope).toMatchObject(at > 0 ? { input: { of: name, "ä€😀": 1 }, root: "x" } : {})
    expect(Object.isFrozen(of.envelope)).toBeTrue()
    expect(of.lease.token).toBe(1)
    expect(of.attempt).toBe(1)
    const links = rows("SELECT links FROM chains")
    expect(links).toEqual(rest.length > 0 ? [[JSON.stringify(LINKS)]] : [])
    expect(String(rows("SELECT envelope FROM tasks")[0]?.[0])).not.toContain('"then"')
    await succeed(of)
  }
  expect(rows("SELECT seq FROM tasks")).toEqual([])
  expect((await driver.results.get(["x", "x/4"])).map((status) => status?.state)).toEqual(
    Array(2).fill("succeeded"),
  )
})

test("links that another process has handed on are read from the file", async () => {
  const other = await file.open(clock)
  await driver.broker.enqueue([chain("x")])
  for (const [at, by] of [driver, other, other, driver, driver].entries()) {
    const of = await take(by)
    expect(of.envelope.then ?? []).toEqual(LINKS.slice(at) as TaskLink[])
    await succeed(of, at === 3 ? other : by)
  }
  expect(chains()).toBe(0)
})

test("links that were remembered of one task are not those of another that has its id later", async () => {
  const other = await file.open(clock)
  await driver.broker.enqueue([chain("x")])
  await succeed(await take())
  await other.broker.settle([settlementsBy(clock).burial(await take(other))])
  await other.inspector.deadLetters.purge(["x/1"])
  file.behind((db) => db.run("DELETE FROM statuses"))
  await other.broker.enqueue([chain("x/1", LINKS.toReversed())])
  expect((await take()).envelope.then).toEqual(LINKS.toReversed())
})

test("whatever else ends a task of a chain takes its links along", async () => {
  const say = settlementsBy(clock)
  await driver.broker.enqueue([chain("cancelled")])
  await driver.broker.cancel(["cancelled"], { terminate: false })
  await driver.broker.enqueue([chain("purged")])
  await driver.inspector.purge("default", 10)
  await driver.broker.enqueue([chain("ended")])
  await driver.broker.settle([say.success(await take())])
  expect(chains()).toBe(0)
  await driver.broker.enqueue([chain("buried")])
  await succeed(await take())
  await driver.broker.settle([say.burial(await take())])
  expect(chains()).toBe(0)
  const letter = await driver.inspector.deadLetters.get("buried/1")
  expect(letter?.envelope).toMatchObject({ task: "b", then: LINKS.slice(1) })
})

test("a retried task keeps its links, and so does one that is looked at", async () => {
  await driver.broker.enqueue([chain("x")])
  await succeed(await take())
  await driver.broker.settle([settlementsBy(clock).retry(await take())])
  expect((await driver.inspector.find(["x/1"]))[0]?.envelope.then).toEqual(LINKS.slice(1))
  const again = await take()
  expect(again.attempt).toBe(2)
  expect(again.envelope.then).toEqual(LINKS.slice(1))
})

test("a step that is there already is not sent again, and a task that sends something else keeps none", async () => {
  await driver.broker.enqueue([tasksBy(clock)("x/1", { queue: "aside" }), chain("x"), chain("y")])
  await succeed(await take())
  expect(rows("SELECT id FROM tasks ORDER BY id")).toEqual([["x/1"], ["y"]])
  const other = tasksBy(clock)("other", { more: { then: LINKS.slice(1).toReversed() } })
  await driver.broker.settle([settlementsBy(clock).success(await take(), null, [other])])
  expect((await take(await file.open(clock))).envelope.then).toEqual(LINKS.slice(1).toReversed())
})

for (const [damage, sql] of [
  ["damaged", "UPDATE chains SET links = '[{'"],
  ["lost", "DELETE FROM chains"],
] as const)
  test(`a task whose links are ${damage} becomes a dead letter that can not be read`, async () => {
    await driver.broker.enqueue([chain("x")])
    file.behind((db) => db.run(sql))
    expect(await take()).toBeUndefined()
    const letter = await driver.inspector.deadLetters.get("x")
    expect(letter?.error.code).toBe("malformed_envelope")
    expect(letter?.raw).toContain('"task":"a"')
    expect(rows("SELECT count(*) FROM tasks")).toEqual([[0]])
  })
