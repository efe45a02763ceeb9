import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import postgres, { type Sql } from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { startProxy } from "../support/proxy.ts"
import { settlementsBy } from "../support/settlements.ts"

// What happens between two who are at the same tasks at once: one of them stands still here, in a session of its own.
let server: PostgresServer
const drivers: Driver[] = []
const sessions: Sql[] = []
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((sql) => sql.end()))
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
const LOCK = 1_400_136_049

async function openOne(url: string, namespace: string): Promise<Driver> {
  const driver = await open(url, { namespace, clock: systemClock })
  drivers.push(driver)
  return driver
}

/** A session of its own, in a transaction. */
async function session(url = server.url): Promise<Sql> {
  const sql = postgres(url, { max: 1 })
  sessions.push(sql)
  await sql.unsafe("BEGIN")
  return sql
}

const numberOf = async (sql: Sql, namespace: string) =>
  Number((await sql.unsafe("SELECT ns FROM stem.namespaces WHERE name = $1", [namespace]))[0]?.ns)

const take = async ({ broker }: Driver, max = 100, leaseMs = 60_000): Promise<readonly Delivery[]> =>
  (await broker.reserve({ queues: ["default"], max, holder: "w", leaseMs })).deliveries

const idsOf = (some: readonly Delivery[]) => some.map(({ envelope }) => envelope.id)

/** Resolves when so many wait for a lock. */
async function waiting(count: number): Promise<void> {
  const ask = "SELECT count(*)::integer AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
  while (Number((await server.sql(ask))[0]?.n) < count) await systemClock.sleep(5)
}

const onStrict = async (name: string) => {
  await server.sql(
    `CREATE DATABASE ${name}`,
    `ALTER DATABASE ${name} SET default_transaction_isolation = 'repeatable read'`,
  )
  return server.url.replace(/postgres$/, name)
}

test("two who wait for their turn take different tasks, whatever snapshots the database gives by default", async () => {
  const url = await onStrict("strict")
  const [one, other] = [await openOne(url, "strict"), await openOne(url, "strict")]
  await one.broker.enqueue([task("a"), task("b")])
  await Promise.all([take(one, 0), take(other, 0)])
  const before = await session(url)
  await before.unsafe("SELECT pg_advisory_xact_lock($1, $2)", [LOCK, await numberOf(before, "strict")])
  const both = [take(one, 1), take(other, 1)]
  await waiting(2)
  await before.unsafe("COMMIT")
  expect((await Promise.all(both)).flatMap(idsOf).sort()).toEqual(["a", "b"])
}, 30_000)

/** What names the session in a greeting; a pooler says another number there than that of the server's process. */
const GREETING = { truth: "K\0\0\0\f\0", lie: "K\0\0\0\f\x7f" }

test("behind a pooler that gives old snapshots nothing is begun, and what to change is said", async () => {
  const url = await onStrict("pooled")
  const proxy = await startProxy(server.port, { fromServer: [GREETING.truth, GREETING.lie] })
  try {
    const error = await openOne(url.replace(`:${server.port}`, `:${proxy.port}`), "pooled").catch(
      (thrown) => thrown,
    )
    expect(error).toMatchObject({
      ...{
        kind: "unavailable",
        code: "store_isolation",
        message: expect.stringContaining("repeatable read"),
      },
      hint: expect.stringContaining("ALTER DATABASE pooled"),
    })
  } finally {
    proxy.close()
  }
}, 30_000)

test("a retry lands that waited while its task was given a lease of its own", async () => {
  const driver = await openOne(server.url, "own")
  await driver.broker.enqueue([task("a"), task("b")])
  const [a, b] = (await take(driver, 2, 1)) as [Delivery, Delivery]
  // Another reclaims: all that was lost together is split first, and it stands before it takes any.
  const other = await session()
  await other.unsafe("SELECT stem.split_lost(ARRAY(SELECT queue FROM stem.queues), 1, $1)", [
    Date.now() + 1000,
  ])
  const settling = driver.broker.settle([say.retry(a), say.release(b)])
  await waiting(1)
  await other.unsafe("COMMIT")
  expect(await settling).toEqual(["settled", "settled"])
  expect((await take(driver)).map(({ envelope, attempt }) => [envelope.id, attempt]).sort()).toEqual([
    ["a", 2],
    ["b", 1],
  ])
}, 30_000)

const replacing = (id: string, key: string) => task(id, { more: { unique: { key, mode: "replace" } } })

test("who replaces what waits has no key before its turn, and is in the way of reserves only", async () => {
  const driver = await openOne(server.url, "replace")
  await driver.broker.enqueue([replacing("a", "k")])
  const before = await session()
  const ns = await numberOf(before, "replace")
  await before.unsafe("SELECT pg_advisory_xact_lock($1, $2)", [LOCK, ns])
  const replaced = driver.broker.enqueue([replacing("b", "k"), replacing("c", "k")])
  await waiting(1)
  expect(await before.unsafe("SELECT key FROM stem.unique_keys FOR UPDATE NOWAIT")).toHaveLength(1)
  await before.unsafe("COMMIT")
  expect(await replaced).toMatchObject([
    { id: "a", kind: "replaced" },
    { id: "a", kind: "replaced" },
  ])
  await before.unsafe("BEGIN")
  await before.unsafe("SELECT stem.lock_waiting($1)", [ns])
  expect(await driver.broker.enqueue([replacing("d", "k")])).toMatchObject([{ kind: "replaced" }])
  const taken = take(driver)
  await waiting(1)
  await before.unsafe("COMMIT")
  expect(idsOf(await taken)).toEqual(["a"])
}, 30_000)

test("who takes over one task leaves the leases of a lost fleet as they are, but for those it stands among", async () => {
  const driver = await openOne(server.url, "fleet")
  await driver.broker.enqueue(["a", "b", "c", "d"].map((id) => task(id)))
  await take(driver, 2, 1)
  await take(driver, 2, 2000)
  const ask = { queues: ["default"], max: 1, holder: "other", leaseMs: 60_000 }
  const ahead = { now: () => Date.now() + 10_000, monotonic: systemClock.monotonic, sleep: systemClock.sleep }
  const later = await open(server.url, { namespace: "fleet", clock: { ...systemClock, ...ahead } })
  drivers.push(later)
  const own = "SELECT count(*)::integer AS n FROM stem.tasks WHERE token > 0 AND ns = "
  const ns = await numberOf(await session(), "fleet")
  expect(idsOf(await later.broker.reclaim(ask))).toEqual(["a"])
  expect(await server.sql(`${own}${ns}`)).toMatchObject([{ n: 2 }])
  expect(idsOf(await later.broker.reclaim({ ...ask, max: 9 }))).toEqual(["b", "c", "d"])
}, 30_000)

test("what was stored in a row is stepped over as one range, what was not one by one, and what came between is taken", async () => {
  const driver = await openOne(server.url, "rows")
  const store = (...ids: string[]) =>
    driver.broker.enqueue(ids.map((id) => task(id, { queue: id.startsWith("x") ? "other" : "default" })))
  await store("a", "b", "c", "d", "x1", "e", "x2", "f")
  expect(idsOf(await take(driver, 3))).toEqual(["a", "b", "c"])
  expect(idsOf(await take(driver, 3))).toEqual(["d", "e", "f"])
  await driver.broker.enqueue([task("first", { dueIn: -5000 }), task("last")])
  expect(idsOf(await take(driver))).toEqual(["first", "last"])
  const { deliveries } = await driver.broker.reserve({
    queues: ["other", "default"],
    max: 9,
    holder: "w",
    leaseMs: 1,
  })
  expect(idsOf(deliveries)).toEqual(["x1", "x2"])
  const ns = await numberOf(await session(), "rows")
  const kinds = `SELECT scattered FROM stem.reservations WHERE ns = ${ns} ORDER BY number`
  expect((await server.sql(kinds)).map(({ scattered }) => scattered)).toEqual([false, true, false, true])
}, 30_000)

test("an older Stem that still runs takes nothing that it could not finish", async () => {
  const driver = await openOne(server.url, "old")
  await driver.broker.enqueue([task("a")])
  for (const old of ["reserve", "reclaim"]) {
    const call = `SELECT * FROM stem.${old}(ARRAY(SELECT queue FROM stem.queues), 9, 9000000000000, 'old', 9000000060000)`
    await expect(server.sql(call)).rejects.toMatchObject({ code: "42883" })
  }
  expect((await take(driver)).map(({ attempt }) => attempt)).toEqual([1])
}, 30_000)
