import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { migrate, open } from "../../src/adapters/postgres/driver.ts"
import { VERSION } from "../../src/adapters/postgres/schema.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { encodeEnvelope } from "../../src/core/task/envelope.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { every, putOf } from "../support/schedules.ts"

let server: PostgresServer
const drivers: Driver[] = []
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

const task = tasksBy(systemClock)

async function enter(query = "", namespace = "schema"): Promise<Driver> {
  const driver = await open(`${server.url}${query}`, { namespace, clock: systemClock })
  drivers.push(driver)
  return driver
}

test("migrate tells what it would do and does nothing, then does it, then has nothing to do", async () => {
  const url = `${server.url}?schema=told`
  const there = async () => (await server.sql("SELECT to_regclass('told.tasks') IS NOT NULL AS yes"))[0]?.yes
  const told = await migrate(url, { dryRun: true })
  expect(told).toMatchObject({ from: 0, to: VERSION })
  expect(told.statements[0]).toBe("CREATE SCHEMA told")
  expect(await there()).toBeFalse()
  expect(await migrate(url, { dryRun: false })).toEqual(told)
  expect(await there()).toBeTrue()
  expect(await migrate(url, { dryRun: true })).toEqual({ from: VERSION, to: VERSION, statements: [] })
})

test("the statements that migrate shows make the same schema by hand", async () => {
  const { statements } = await migrate(`${server.url}?schema=by_hand`, { dryRun: true })
  await server.sql(...statements)
  const driver = await enter("?schema=by_hand")
  expect(await driver.broker.enqueue([task("a")])).toMatchObject([{ kind: "stored" }])
})

test("many who open a fresh database at once all get in, and the schema is made once", async () => {
  const opened = await Promise.all(Array.from({ length: 12 }, () => enter("?schema=crowd")))
  await Promise.all(opened.map(({ broker }, at) => broker.enqueue([task(`t${at}`)])))
  expect((await opened[0]?.inspector.queues())?.[0]?.ready).toBe(12)
  const versions = await server.sql("SELECT version FROM crowd.migrations ORDER BY version")
  expect(versions).toMatchObject(Array.from({ length: VERSION }, (_, at) => ({ version: at + 1 })))
}, 30_000)

test("a schema of version 1 becomes one of the latest, with the tasks it holds", async () => {
  const { statements } = await migrate(`${server.url}?schema=older`, { dryRun: true })
  const first = statements.indexOf("INSERT INTO older.migrations (version) VALUES (1)") + 1
  await server.sql(...statements.slice(0, first))
  await server.sql(
    "INSERT INTO older.namespaces (name) VALUES ('schema')",
    "INSERT INTO older.queues (ns, name) VALUES (1, 'default')",
    `INSERT INTO older.tasks (due, ns, queue, rank, id, task, envelope)
       VALUES (0, 1, 1, 5, 'old', 'image.resize', '${encodeEnvelope(task("old"))}')`,
  )
  expect(await migrate(`${server.url}?schema=older`, { dryRun: true })).toEqual({
    ...{ from: 1, to: VERSION, statements: statements.slice(first) },
  })
  const driver = await enter("?schema=older")
  expect((await driver.inspector.find(["old"]))[0]).toBeDefined()
  expect(await driver.schedules.put([putOf(every("a", 1000), 0)])).toEqual([{ kind: "added", name: "a" }])
  expect(await migrate(`${server.url}?schema=older`, { dryRun: true })).toMatchObject({
    from: VERSION,
    to: VERSION,
  })
})

test("a schema of version 5 becomes one of the latest, with its leases as they were", async () => {
  const { statements } = await migrate(`${server.url}?schema=leased`, { dryRun: true })
  const fifth = statements.indexOf("INSERT INTO leased.migrations (version) VALUES (5)") + 1
  await server.sql(...statements.slice(0, fifth))
  const row = (id: string, until: number | null) =>
    `INSERT INTO leased.tasks (due, ns, queue, rank, id, task, token, holder, until, envelope)
       VALUES (0, 1, 1, 5, '${id}', 'image.resize', 1, 'w', ${until}, '${encodeEnvelope(task(id))}')`
  await server.sql(
    "INSERT INTO leased.namespaces (name) VALUES ('schema')",
    "INSERT INTO leased.queues (ns, name) VALUES (1, 'default')",
    ...[row("waits", null), row("lost", 1), row("held", Date.now() + 60_000)],
  )
  const { broker, inspector } = await enter("?schema=leased")
  const ask = { queues: ["default"], max: 9, holder: "w", leaseMs: 60_000 }
  expect((await inspector.queues())[0]).toMatchObject({ ready: 1, running: 2 })
  expect((await broker.reclaim(ask)).map(({ envelope, lease }) => [envelope.id, lease.token])).toEqual([
    ["lost", 2],
  ])
  expect((await broker.reserve(ask)).deliveries.map(({ envelope }) => envelope.id)).toEqual(["waits"])
  const lease = { id: "held", token: 1, holder: "w", expiresAt: 0 }
  expect(await broker.renew([{ lease }], 60_000)).toMatchObject([{ kind: "held" }])
  expect(await broker.settle([{ lease, verdict: { kind: "ack" }, next: [] }])).toEqual(["settled"])
})

test("schemas of one database do not meet", async () => {
  const [one, other] = [await enter("?schema=one"), await enter("?schema=other")]
  await one.broker.enqueue([task("a")])
  expect((await one.inspector.find(["a"]))[0]).toBeDefined()
  expect(await other.inspector.find(["a"])).toEqual([undefined])
})

test("a schema that a newer Stem made is left alone", async () => {
  await migrate(`${server.url}?schema=newer`, { dryRun: false })
  await server.sql("INSERT INTO newer.migrations VALUES (99)")
  const error = await enter("?schema=newer").catch((thrown) => thrown)
  expect(error).toMatchObject({
    kind: "invalid",
    code: "store_too_new",
    message: expect.stringContaining("99"),
  })
})

test("a URL that says what is not known is refused", async () => {
  for (const query of ["?schema=Bad-Name", "?schema=pg_mine", "?sslmode=maybe", "?prepare=2", "?pool=9"])
    expect(await enter(query).catch((thrown) => thrown)).toMatchObject({
      ...{ kind: "invalid", code: "invalid_store_url", hint: expect.any(String) },
    })
})

test("two processes share the work without overlap and without loss", async () => {
  const namespace = "two-processes"
  const driver = await enter("", namespace)
  const ids = Array.from({ length: 2000 }, (_, at) => `t${at}`)
  await driver.broker.enqueue(ids.map((id) => task(id)))
  const program = join(import.meta.dir, "../support/postgres-taker.ts")
  const takers = [1, 2].map(() =>
    Bun.spawn([process.execPath, program, server.url, namespace], { stdout: "pipe" }),
  )
  const lists = await Promise.all(
    takers.map(async ({ stdout }) => JSON.parse(await new Response(stdout).text()) as string[]),
  )
  expect(lists.flat()).toHaveLength(2000)
  expect(lists.flat().sort()).toEqual(ids.sort())
  expect(await driver.inspector.ended()).toMatchObject({ succeeded: 2000 })
}, 60_000)
