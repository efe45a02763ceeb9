import { Database } from "bun:sqlite"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { join, relative } from "node:path"
import { migrate, open } from "../../src/adapters/sqlite/driver.ts"
import { pathOf } from "../../src/adapters/sqlite/location.ts"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"
import { thrown } from "../support/thrown.ts"

const task = tasksBy(clock)
const options = { namespace: "test", clock }
let file: SqliteFile

beforeEach(() => {
  file = sqliteFile()
})
afterEach(() => file.remove())

test("a path is relative to the current folder, and ~ is the home folder", () => {
  expect(pathOf("sqlite:stem.db")).toBe(join(process.cwd(), "stem.db"))
  expect(pathOf("sqlite:./a/../stem.db")).toBe(join(process.cwd(), "stem.db"))
  expect(pathOf("sqlite:~/stem.db")).toBe(join(homedir(), "stem.db"))
  expect(pathOf("sqlite:/var/stem.db")).toBe("/var/stem.db")
  expect(pathOf("sqlite:///var/stem.db")).toBe("/var/stem.db")
})

test("spaces, percent signs and question marks in a path stand for themselves", async () => {
  const folder = join(file.folder, "50% off? #1 file:x")
  mkdirSync(folder)
  const driver = await open(`sqlite:${relative(process.cwd(), folder)}/a b%20c.db`, options)
  await driver.broker.enqueue([task("a")])
  expect(existsSync(join(folder, "a b%20c.db"))).toBeTrue()
  await driver.close()
})

test("a URL that names no file is invalid", async () => {
  for (const url of ["sqlite:", "sqlite::memory:"])
    expect(await thrown(open(url, options))).toMatchObject({ kind: "invalid", code: "invalid_store_url" })
})

test("a new file, its WAL and its index can be read by its owner alone", async () => {
  const driver = await file.open(clock)
  await driver.broker.enqueue([task("a")])
  for (const end of ["", "-wal", "-shm"]) expect(statSync(file.path + end).mode & 0o777).toBe(0o600)
})

test("a folder that does not exist is not made: the path may be mistyped", async () => {
  const folder = join(file.folder, "no", "such")
  const error = await thrown(open(`sqlite:${folder}/stem.db`, options))
  expect(error).toMatchObject({ kind: "unavailable", code: "store_no_folder" })
  expect(error.hint).toContain(folder)
  expect(existsSync(folder)).toBeFalse()
})

test("a file of a newer Stem is refused and left as it was", async () => {
  await (await file.open(clock)).close()
  file.behind((db) => db.run("PRAGMA user_version = 99"))
  expect(await thrown(file.open(clock))).toMatchObject({ kind: "invalid", code: "store_too_new" })
  expect(file.behind((db) => db.query("PRAGMA user_version").get())).toEqual({ user_version: 99 })
})

test("the database of another program is refused and left as it was", async () => {
  const other = new Database(file.path)
  other.run("CREATE TABLE theirs (x)")
  other.close()
  expect(await thrown(file.open(clock))).toMatchObject({ kind: "invalid", code: "store_foreign" })
  const tables = file.behind((db) => db.query("SELECT name FROM sqlite_master").all())
  expect(tables).toEqual([{ name: "theirs" }])
  expect(file.behind((db) => db.query("PRAGMA journal_mode").get())).toEqual({ journal_mode: "delete" })
})

test("a migration can be looked at before it is made", async () => {
  const plan = await migrate(file.url, { dryRun: true })
  expect(plan).toMatchObject({ from: 0 })
  const { to } = plan
  expect(plan.statements.join("\n")).toContain("CREATE TABLE tasks")
  for (const statement of plan.statements)
    expect(statement).toMatch(/^(CREATE [\s\S]+(\)( STRICT.*| WHERE .*)?|\nEND)|ALTER TABLE .*)$/)
  expect(existsSync(file.path)).toBeFalse()
  expect(await migrate(file.url, { dryRun: false })).toEqual(plan)
  expect(await migrate(file.url, { dryRun: true })).toEqual({ from: to, to, statements: [] })
  expect(await migrate(file.url, { dryRun: false })).toEqual({ from: to, to, statements: [] })
})

test("two namespaces in one file never meet", async () => {
  const [a, b] = [await file.open(clock, "a"), await file.open(clock, "b")]
  const ask = { queues: ["default"], max: 10, holder: "w", leaseMs: 1000 }
  expect(await a.broker.enqueue([task("same", { input: "a" })])).toMatchObject([{ kind: "stored" }])
  expect(await b.broker.reserve(ask)).toEqual({ deliveries: [] })
  expect(await b.broker.enqueue([task("same", { input: "b" })])).toMatchObject([{ kind: "stored" }])
  await a.inspector.pause("default")
  expect((await b.broker.reserve(ask)).deliveries).toMatchObject([{ envelope: { input: "b" } }])
  expect(await a.inspector.queues()).toMatchObject([{ ready: 1, running: 0, paused: true }])
  expect(await b.inspector.purge("default", 10)).toBe(0)
  expect(await a.inspector.purge("default", 10)).toBe(1)
  expect((await b.results.get(["same"]))[0]).toBeUndefined()
  expect(await b.inspector.ended()).toMatchObject({ cancelled: 0 })
})

test("what was stored is there when the file is opened again", async () => {
  const first = await file.open(clock)
  await first.broker.enqueue([task("a"), task("b")])
  await first.inspector.pause("default")
  await first.close()
  const { inspector } = await file.open(clock)
  expect(await inspector.queues()).toMatchObject([{ queue: "default", ready: 2, paused: true }])
})

test("a checkup tells of rights, lost leases and clocks", async () => {
  let ahead = 0
  const driver = await file.open({ ...clock, now: () => clock.now() + ahead })
  const subjects = async () =>
    (await driver.checkup()).filter(({ level }) => level !== "ok").map((one) => one.subject)
  expect(await subjects()).toEqual([])
  chmodSync(file.path, 0o644)
  await driver.broker.enqueue([task("a"), task("b")])
  const ask = { queues: ["default"], max: 1, holder: "w", leaseMs: 1000 }
  const [delivery] = (await driver.broker.reserve(ask)).deliveries
  expect(await subjects()).toEqual(["rights"])
  ahead = 60_000
  expect(await subjects()).toEqual(["rights", "leases"])
  const reason = { name: "E", message: "m" }
  const verdict = { kind: "bury", reason } as const
  await driver.broker.settle([{ lease: (delivery as NonNullable<typeof delivery>).lease, verdict, next: [] }])
  await driver.broker.cancel(["b"], { terminate: false })
  expect(await subjects()).toEqual(["rights"])
  ahead = 0
  expect(await subjects()).toEqual(["rights", "clock"])
})
