import { Database } from "bun:sqlite"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { statSync } from "node:fs"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { settlementsBy } from "../support/settlements.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"

const MIB = 1_048_576
const task = tasksBy(clock)
const say = settlementsBy(clock)
let file: SqliteFile
beforeEach(() => {
  file = sqliteFile()
})
afterEach(() => file.remove())

const size = () => statSync(file.path).size / MIB

/** Fills it, runs all, and forgets what came of them. */
async function burst(driver: Driver, count: number): Promise<void> {
  const input = "x".repeat(2000)
  for (let at = 0; at < count; at += 1000)
    await driver.broker.enqueue(Array.from({ length: 1000 }, (_, n) => task(`b${at + n}`, { input })))
  for (let left = count; left > 0; ) {
    const ask = { queues: ["default"], max: 1000, holder: "w", leaseMs: 600_000 }
    const { deliveries } = await driver.broker.reserve(ask)
    left -= deliveries.length
    await driver.broker.settle(deliveries.map((delivery) => say.success(delivery)))
  }
  const all = clock.now() + 1
  while ((await driver.results.prune({ succeededBefore: all, otherBefore: all, max: 1000 })) > 0);
}

test("a file is short again after a burst, while others use it, and loses nothing", async () => {
  const driver = await file.open(clock)
  await driver.broker.enqueue(Array.from({ length: 100 }, (_, n) => task(`stays-${n}`, { queue: "other" })))
  await burst(driver, 10_000)
  const large = size()
  expect(large).toBeGreaterThan(20)
  const other = await file.open(clock)
  let sent = 0
  for (let pieces = 0; await driver.giveBack?.(); pieces++) {
    expect(pieces).toBeLessThan(200)
    await other.broker.enqueue([task(`meanwhile-${++sent}`, { queue: "other" })])
  }
  expect(sent).toBeGreaterThan(5)
  file.behind((db) => db.run("PRAGMA wal_checkpoint(TRUNCATE)"))
  console.log("MiB of the file", { large, after: size() })
  expect(size()).toBeLessThan(large / 3)
  expect((await driver.inspector.queues()).find(({ queue }) => queue === "other")?.ready).toBe(100 + sent)
  expect(file.behind((db) => db.query("PRAGMA integrity_check").get())).toEqual({ integrity_check: "ok" })
  expect(await driver.giveBack?.()).toBeFalse()
}, 60_000)

test("a little room is kept for what comes next", async () => {
  const driver = await file.open(clock)
  await burst(driver, 1000)
  const before = size()
  expect(await driver.giveBack?.()).toBeFalse()
  expect(size()).toBe(before)
}, 60_000)

test("a file that can not be shortened is left as it is, and doctor says how to mend that", async () => {
  const old = new Database(file.path)
  old.run("CREATE TABLE first (n)")
  old.run("DROP TABLE first")
  old.close()
  const driver = await file.open(clock)
  await burst(driver, 25_000)
  const large = size()
  expect(await driver.giveBack?.()).toBeFalse()
  expect(size()).toBe(large)
  const finding = (await driver.checkup()).find(({ subject }) => subject === "size")
  expect(finding).toMatchObject({
    level: "warning",
    fix: expect.stringContaining("auto_vacuum = INCREMENTAL"),
  })
  await driver.close()
  file.behind((db) => db.run("PRAGMA auto_vacuum = INCREMENTAL; VACUUM"))
  const mended = await file.open(clock)
  expect(size()).toBeLessThan(large / 5)
  expect((await mended.checkup()).map(({ subject }) => subject)).not.toContain("size")
}, 60_000)
