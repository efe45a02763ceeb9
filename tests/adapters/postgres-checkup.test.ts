import { afterAll, afterEach, beforeAll, expect, spyOn, test } from "bun:test"
import postgres from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { startProxy } from "../support/proxy.ts"

let server: PostgresServer
const drivers: Driver[] = []
beforeAll(async () => {
  server = await postgresServer({ settings: ["max_connections = 15"] })
}, 60_000)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

async function enter(url = server.url, clock = systemClock): Promise<Driver> {
  const driver = await open(url, { namespace: "checkup", clock })
  drivers.push(driver)
  return driver
}
const found = async (driver: Driver) =>
  (await driver.checkup()).map(
    ({ level, subject, fix }) => `${level} ${subject}${fix === undefined ? "" : " with a fix"}`,
  )

test("a server that is well is in order", async () => {
  expect(await found(await enter())).toEqual(["ok postgres"])
})

test("a server older than 14 is refused by its version", async () => {
  const [{ server_version_num: version = "" } = {}] = (await server.sql("SHOW server_version_num")) as {
    server_version_num?: string
  }[]
  const proxy = await startProxy(server.port, { fromServer: [version, `13${version.slice(2)}`] })
  try {
    const refused = await enter(server.url.replace(`${server.port}`, `${proxy.port}`)).catch((error) => error)
    expect(refused).toMatchObject({ code: "store_too_old", message: expect.stringContaining("14 or newer") })
  } finally {
    proxy.close()
  }
})

test("notifications that do not arrive are found, and work is noticed all the same", async () => {
  const proxy = await startProxy(server.port, { toServer: ["LISTEN stem_", "LISTEN sten_"] })
  try {
    const driver = await enter(server.url.replace(`${server.port}`, `${proxy.port}`))
    expect(await found(driver)).toEqual(["warning notifications with a fix"])
    const waiting = driver.broker.wait(["default"], Number.POSITIVE_INFINITY, new AbortController().signal)
    await (await enter()).broker.enqueue([tasksBy(systemClock)("a")])
    await waiting
  } finally {
    proxy.close()
  }
})

test("a clock that is off is found", async () => {
  const driver = await enter()
  const now = Date.now
  const wrong = spyOn(Date, "now").mockImplementation(() => now() + 3_600_000)
  try {
    expect(await found(driver)).toEqual(["warning clock with a fix"])
  } finally {
    wrong.mockRestore()
  }
})

test("what the server is set to is looked at: autovacuum, durability and the number of connections", async () => {
  const driver = await enter()
  const set = (...words: string[]) =>
    server.sql(...words.map((word) => `ALTER SYSTEM ${word}`), "SELECT pg_reload_conf()")
  await set("SET autovacuum = off", "SET synchronous_commit = off")
  const others = Array.from({ length: 8 }, () => postgres(server.url, { max: 1 }))
  await Promise.all(others.map((sql) => sql`SELECT 1`))
  const expected = ["warning autovacuum", "warning connections", "warning durability"]
  let seen = await found(driver)
  // A session hears of new settings with its next statement.
  for (let tries = 0; tries < 100 && seen.length < expected.length; tries++) seen = await found(driver)
  expect(seen).toEqual(expected.map((one) => `${one} with a fix`))
  await Promise.all(others.map((sql) => sql.end()))
  await set("RESET autovacuum", "RESET synchronous_commit")
})

test("a transaction that holds back vacuum is found with its process, and so are dead rows", async () => {
  // The server's own views, with ten minutes and many dead rows added, in front of them on the path.
  await server.sql(
    "CREATE SCHEMA aged",
    `CREATE VIEW aged.pg_stat_activity AS SELECT pid, datname, backend_xmin, backend_type,
       xact_start - interval '10 minutes' AS xact_start FROM pg_catalog.pg_stat_activity`,
    `CREATE VIEW aged.pg_stat_user_tables AS SELECT relid, n_dead_tup + 300000 AS n_dead_tup, n_live_tup
       FROM pg_catalog.pg_stat_user_tables`,
    "CREATE ROLE watched LOGIN SUPERUSER PASSWORD 'w'",
    "ALTER ROLE watched SET search_path = aged, pg_catalog",
  )
  const long = postgres(server.url, { max: 1 })
  try {
    await long.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ")
    const [row] = await long.unsafe("SELECT pg_backend_pid() AS pid")
    const pid = row?.pid
    const driver = await enter(server.url.replace("postgres:postgres@", "watched:w@"))
    const [transaction, bloat, ...rest] = await driver.checkup()
    expect(transaction).toMatchObject({ level: "warning", subject: "transactions" })
    expect(transaction?.message).toContain(`process ${pid}`)
    expect(transaction?.fix).toContain(`pg_terminate_backend(${pid})`)
    expect(bloat).toMatchObject({ subject: "bloat", fix: expect.stringContaining("VACUUM") })
    expect(rest).toEqual([])
  } finally {
    await long.end()
  }
})

test("leases that nobody takes back are found", async () => {
  const early = { ...systemClock, now: () => Date.now() - 3_600_000 }
  const driver = await enter(server.url, early)
  await driver.broker.enqueue([tasksBy(early)("lost")])
  await driver.broker.reserve({ queues: ["default"], max: 1, holder: "w", leaseMs: 1000 })
  expect(await found(await enter())).toEqual(["warning leases with a fix"])
})
