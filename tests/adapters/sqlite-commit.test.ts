import { afterEach, beforeEach, expect, test } from "bun:test"
import { statSync } from "node:fs"
import { createCommit } from "../../src/adapters/sqlite/commit.ts"
import { connect } from "../../src/adapters/sqlite/connection.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Envelope } from "../../src/core/task/envelope.ts"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { settlementsBy } from "../support/settlements.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"

const task = tasksBy(clock)
const say = settlementsBy(clock)
let file: SqliteFile
let driver: Driver

beforeEach(async () => {
  file = sqliteFile()
  driver = await file.open(clock)
})
afterEach(() => file.remove())

/** Not to be stored: an instant is a whole number. */
const broken = (id: string): Envelope => ({ ...task(id), dueAt: 0.5 })
const walSize = () => statSync(`${file.path}-wal`).size
const ask = { queues: ["default"], max: 500, holder: "w", leaseMs: 60_000 }

test("all calls of one turn share one commit", async () => {
  await driver.broker.enqueue([task("first")])
  const before = walSize()
  await driver.broker.enqueue([task("alone")])
  const alone = walSize() - before
  await Promise.all(Array.from({ length: 100 }, (_, at) => driver.broker.enqueue([task(`task-${at}`)])))
  // Each commit writes every page it touched once; a hundred commits would write a hundred times as much.
  expect(walSize() - before - alone).toBeLessThan(alone * 20)
  expect((await driver.broker.reserve(ask)).deliveries).toHaveLength(102)
})

test("a call that fails does not fail those that share its commit", async () => {
  const calls = [[task("a")], [task("b"), broken("c")], [task("d")], [broken("e")], [task("f")]]
  const answers = await Promise.allSettled(calls.map((envelopes) => driver.broker.enqueue(envelopes)))
  expect(answers.map(({ status }) => status)).toEqual([
    ...(["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"] as const),
  ])
  const { deliveries } = await driver.broker.reserve(ask)
  expect(deliveries.map(({ envelope }) => envelope.id)).toEqual(["a", "d", "f"])
})

test("a queue first named by a call that failed is known to the next one", async () => {
  await Promise.allSettled([driver.broker.enqueue([{ ...broken("a"), queue: "new" }])])
  await driver.broker.enqueue([task("b", { queue: "new" })])
  expect((await driver.broker.reserve({ ...ask, queues: ["new"] })).deliveries).toHaveLength(1)
})

test("a settlement whose follow-up can not be stored changes nothing", async () => {
  await driver.broker.enqueue([task("a")])
  const [delivery] = (await driver.broker.reserve(ask)).deliveries
  if (!delivery) throw new Error("nothing was reserved")
  const [settling] = await Promise.allSettled([
    driver.broker.settle([say.success(delivery, 1, [broken("b")])]),
  ])
  expect(settling?.status).toBe("rejected")
  expect((await driver.inspector.find(["a"]))[0]?.status.state).toBe("running")
  expect(await driver.broker.settle([say.success(delivery)])).toEqual(["settled"])
})

test("what is written softly pays for no flush alone, and shares that of others", async () => {
  const connection = await connect(file.path)
  const commit = createCommit(connection, clock, { ending() {}, committed() {}, rolledBack() {} })
  const flushes = () => connection.sql("PRAGMA synchronous").one<{ synchronous: number }>()?.synchronous
  const [FULL, NORMAL] = [2, 1]
  expect(await commit.writeSoftly(flushes)).toBe(NORMAL)
  expect(await Promise.all([commit.writeSoftly(flushes), commit.write(flushes)])).toEqual([FULL, FULL])
  expect(await commit.writeSoftly(flushes)).toBe(NORMAL)
  expect(await commit.write(flushes)).toBe(FULL)
  await commit.close()
  connection.close()
})

test("the file does not grow while old results are removed", async () => {
  const round = async (at: number) => {
    await driver.broker.enqueue(Array.from({ length: 2000 }, (_, part) => task(`task-${at}-${part}`)))
    const { deliveries } = await driver.broker.reserve({ ...ask, max: 2000 })
    await driver.broker.settle(deliveries.map((delivery) => say.success(delivery, "x".repeat(200))))
    const later = clock.now() + 60_000
    expect(await driver.results.prune({ succeededBefore: later, otherBefore: later, max: 5000 })).toBe(2000)
    return file.behind((db) => {
      db.query("PRAGMA wal_checkpoint(PASSIVE)").get()
      return statSync(file.path).size
    })
  }
  await round(0)
  const second = await round(1)
  for (const at of [2, 3, 4, 5]) await round(at)
  expect(await round(6)).toBeLessThan(second * 1.2)
}, 30_000)
