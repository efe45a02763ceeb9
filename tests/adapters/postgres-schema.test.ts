import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { migrate, open } from "../../src/adapters/postgres/driver.ts"
import { VERSION } from "../../src/adapters/postgres/schema.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"

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
