import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import postgres, { type Sql } from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { startProxy } from "../support/proxy.ts"

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

