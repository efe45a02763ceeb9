import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { startProxy } from "../support/proxy.ts"
import { settlementsBy } from "../support/settlements.ts"

let server: PostgresServer
let spaces = 0
const drivers: Driver[] = []
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)

async function openOne(namespace = `faults-${++spaces}`): Promise<Driver> {
  const driver = await open(server.url, { namespace, clock: systemClock })
  drivers.push(driver)
  return driver
}

const take = async ({ broker }: Driver, max = 100) =>
  (await broker.reserve({ queues: ["default"], max, holder: "w", leaseMs: 60_000 })).deliveries

/** Does it again until the store is back. */
async function untilItWorks<T>(work: () => Promise<T>): Promise<T> {
  for (const start = Date.now(); ; ) {
    try {
      return await work()
    } catch (error) {
      expect(error).toMatchObject({ kind: "unavailable" })
      if (Date.now() - start > 15_000) throw error
    }
  }
}

test("a server that restarts at work loses nothing it acknowledged, and the driver works on without being reopened", async () => {
  const driver = await openOne()
  const stored = new Set<string>()
  let stopped = false
  const enqueueing = (async () => {
    for (let at = 0; !stopped || at < 50; at++)
      await driver.broker.enqueue([task(`t${at}`)]).then(
        () => stored.add(`t${at}`),
        (error) => expect(error).toMatchObject({ kind: "unavailable" }),
      )
  })()
  while (stored.size < 20) await driver.ping()
  await server.stop("immediate")
  await server.start()
  const before = stored.size
  while (stored.size < before + 20) await driver.ping().catch(() => {})
  stopped = true
  await enqueueing
  const taken = new Set<string>()
  for (let some = await take(driver); some.length > 0; some = await take(driver)) {
    for (const { envelope } of some) taken.add(envelope.id)
    expect(await driver.broker.settle(some.map((one) => say.success(one)))).not.toContain("stale")
  }
  expect([...stored].filter((id) => !taken.has(id))).toEqual([])
}, 60_000)

test("a lease held over a restart still settles", async () => {
  const driver = await openOne()
  await driver.broker.enqueue([task("a")])
  const [delivery] = (await take(driver)) as [Delivery]
  await server.stop()
  await server.start()
  expect(await untilItWorks(() => driver.broker.settle([say.success(delivery)]))).toEqual(["settled"])
}, 60_000)

test("who waits over a restart hears what is stored after it", async () => {
  const [waiter, sender] = [await openOne("waiting"), await openOne("waiting")]
  const stop = new AbortController()
  const woken = untilItWorks(() => waiter.broker.wait(["default"], Number.POSITIVE_INFINITY, stop.signal))
  await waiter.ping()
  await server.stop("immediate")
  await server.start()
  await untilItWorks(() => sender.broker.enqueue([task("a")]))
  await woken
  expect(await untilItWorks(() => take(waiter))).toHaveLength(1)
}, 60_000)

test("a server that hangs is given up at the deadline, and used again when it goes on", async () => {
  const driver = await openOne()
  await driver.broker.enqueue([task("a")])
  await server.signal("SIGSTOP")
  const start = Date.now()
  const hanging = driver.broker.enqueue([task("b")]).catch((error) => error)
  expect(await hanging).toMatchObject({ kind: "unavailable", code: "store_away" })
  expect(Date.now() - start).toBeLessThan(15_000)
  await server.signal("SIGCONT")
  await untilItWorks(() => driver.broker.enqueue([task("c")]))
  const ids = (await take(driver)).map(({ envelope }) => envelope.id)
  expect(ids).toContain("a")
  expect(ids).toContain("c")
}, 60_000)

test("a server that became read-only is left, and found again when it may be written", async () => {
  const driver = await openOne()
  await driver.broker.enqueue([task("a")])
  await server.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
  // The sessions hear of it a moment later.
  let error: unknown
  for (let at = 0; error === undefined; at++)
    error = await driver.broker.enqueue([task(`more-${at}`)]).then(
      () => undefined,
      (thrown) => thrown,
    )
  expect(error).toMatchObject({ kind: "unavailable", code: "store_readonly", hint: expect.any(String) })
  const writable = "SET default_transaction_read_only = off"
  await server.sql(writable, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
  await untilItWorks(() => driver.broker.enqueue([task("c")]))
  expect((await take(driver)).map(({ envelope }) => envelope.id)).toContain("c")
}, 60_000)

test("of a statement that the server has no room for nothing is stored", async () => {
  const driver = await openOne()
  await driver.broker.enqueue([task("a"), task("b")])
  const [a, b] = (await take(driver)) as [Delivery, Delivery]
  await server.sql(
    `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN IF NEW.id = 'child' THEN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$`,
    "CREATE TRIGGER full_disk BEFORE INSERT ON stem.tasks FOR EACH ROW EXECUTE FUNCTION full_disk()",
  )
  const full = { kind: "unavailable", code: "store_full" }
  const batch = [say.success(a), say.success(b, null, [task("child")])]
  expect(await driver.broker.settle(batch).catch((error) => error)).toMatchObject(full)
  expect(await driver.broker.enqueue([task("c"), task("child")]).catch((error) => error)).toMatchObject(full)
  expect(await driver.results.get(["a", "b"])).toEqual([undefined, undefined])
  expect(await driver.inspector.find(["c"])).toEqual([undefined])
  await server.sql("DROP TRIGGER full_disk ON stem.tasks", "DROP FUNCTION full_disk")
  expect(await driver.broker.settle(batch)).toEqual(["settled", "settled"])
  expect(await take(driver)).toMatchObject([{ envelope: { id: "child" } }])
})

test("a lease that the server forgot in a crash is given again, and of two who hold the task one settles it", async () => {
  const driver = await openOne()
  await driver.broker.enqueue([task("a")])
  const [first] = (await take(driver)) as [Delivery]
  // As if the crash had come before the reserve was on the disk.
  await server.sql("DELETE FROM stem.reservations")
  expect(await driver.broker.settle([say.success(first)])).toEqual(["stale"])
  expect(await driver.broker.renew([{ lease: first.lease }], 60_000)).toEqual([{ kind: "stale" }])
  const [again] = (await take(driver)) as [Delivery]
  expect(again).toMatchObject({ attempt: 1, envelope: { id: "a" } })
  expect(await driver.broker.settle([say.success(again)])).toEqual(["settled"])
  expect(await driver.broker.settle([say.success(first)])).toEqual(["stale"])
})

test("who is slow to read what was leased keeps nobody else from leasing", async () => {
  const namespace = `faults-${++spaces}`
  const driver = await openOne(namespace)
  const large = { input: "x".repeat(500_000) }
  for (let at = 0; at < 40; at++) await driver.broker.enqueue([task(`t${at}`, large)])
  const proxy = await startProxy(server.port)
  const slow = await open(server.url.replace(`:${server.port}`, `:${proxy.port}`), {
    ...{ namespace, clock: systemClock },
  })
  drivers.push(slow)
  expect(await take(slow, 1)).toHaveLength(1)
  proxy.stall()
  const stuck = take(slow, 30).catch(() => [])
  const held = async () =>
    Number(
      (
        await server.sql(
          `SELECT sum(open) AS n FROM stem.reservations JOIN stem.namespaces USING (ns) WHERE name = '${namespace}'`,
        )
      )[0]?.n,
    )
  while ((await held()) !== 31) await driver.ping()
  expect(await take(driver, 9)).toHaveLength(9)
  proxy.close()
  expect(await stuck).toEqual([])
}, 30_000)
