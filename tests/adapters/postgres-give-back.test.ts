import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import postgres from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { settlementsBy } from "../support/settlements.ts"

const MIB = 1_048_576
const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
let server: PostgresServer
const drivers: Driver[] = []
beforeAll(async () => {
  server = await postgresServer({ settings: ["autovacuum = off", "fsync = off", "shared_buffers = 256MB"] })
}, 60_000)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

/** A driver gives back at most once an hour: a test takes a new one for each round. */
async function enter(): Promise<Driver> {
  const driver = await open(server.url, { namespace: "room", clock: systemClock })
  drivers.push(driver)
  return driver
}

let made = 0
async function store({ broker }: Driver, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 2000)
    await broker.enqueue(Array.from({ length: Math.min(left, 2000) }, () => task(`t${made++}`)))
}

async function drain({ broker }: Driver, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const ask = { queues: ["default"], max: Math.min(left, 1000), holder: "w", leaseMs: 600_000 }
    const { deliveries } = await broker.reserve(ask)
    left -= deliveries.length
    const answers = await broker.settle(deliveries.map((delivery) => say.success(delivery)))
    expect(answers).not.toContain("stale")
  }
}

async function work(driver: Driver, count: number): Promise<void> {
  await store(driver, count)
  await drain(driver, count)
}

async function forget({ results }: Driver): Promise<void> {
  const all = systemClock.now() + 1
  while ((await results.prune({ succeededBefore: all, otherBefore: all, max: 5000 })) > 0);
}

async function sizes() {
  const rows = await server.sql(
    `SELECT c.relname AS name, pg_relation_size(c.oid)::float AS bytes FROM pg_class c
     WHERE c.relnamespace = 'stem'::regnamespace AND c.relkind IN ('r', 'i')`,
  )
  return new Map(rows.map(({ name, bytes }) => [name as string, (bytes as number) / MIB]))
}
const total = (found: ReadonlyMap<string, number>) => [...found.values()].reduce((a, b) => a + b, 0)

async function burst(): Promise<Driver> {
  const driver = await enter()
  await work(driver, 60_000)
  await forget(driver)
  return driver
}

/** What autovacuum does within a minute, so that the server knows how many rows there are. */
const counted = () => server.sql("ANALYZE stem.tasks, stem.statuses")

test("a table is shortened also when vacuum has left a few dead entries at its end for later", async () => {
  const driver = await enter()
  await store(driver, 40_000)
  await drain(driver, 39_980)
  await server.sql("VACUUM stem.tasks")
  await drain(driver, 20)
  await server.sql("VACUUM stem.tasks")
  const { tasks: before = 0 } = Object.fromEntries(await sizes())
  expect(before).toBeGreaterThan(8)
  await counted()
  await (await enter()).giveBack?.()
  const { tasks: after = 0 } = Object.fromEntries(await sizes())
  console.log("MiB of tasks", { before, after })
  expect(after).toBeLessThan(1)
}, 60_000)

test("after a burst tables and indexes are small again, with workers at work all the while", async () => {
  const driver = await burst()
  const before = await sizes()
  await counted()
  let over = false
  let rounds = 0
  const others = (async () => {
    for (const other = await enter(); !over; rounds++) await work(other, 50)
  })()
  // Two at once: one does it. Beside work the end of a table is empty only by the second round.
  for (let hours = 0; hours < 3; hours++) {
    await Promise.all([(await enter()).giveBack?.(), (await enter()).giveBack?.()])
    await counted()
  }
  over = true
  await others
  expect(rounds).toBeGreaterThan(0)
  // What they have left behind lay at the end.
  const amid = await sizes()
  await forget(driver)
  await counted()
  // Connections report what they have written up to ten seconds late, after it was counted; then a later round is the one.
  let after = await sizes()
  for (let hours = 0; hours < 10 && total(after) >= total(before) / 4; hours++) {
    await Bun.sleep(hours * 100)
    await counted()
    await (await enter()).giveBack?.()
    after = await sizes()
  }
  console.log("MiB", { before: total(before), amid: total(amid), after: total(after), rounds })
  for (const index of ["tasks_pkey", "statuses_pkey", "tasks_waiting"])
    expect(amid.get(index)).toBeLessThan(4)
  expect(total(before)).toBeGreaterThan(25)
  expect(total(after)).toBeLessThan(total(before) / 4)
  expect((await driver.inspector.queues())[0]?.ready ?? 0).toBe(0)
}, 120_000)

test("an old transaction is not waited for long and harms nobody", async () => {
  const driver = await burst()
  const old = postgres(server.url, { max: 1, onnotice() {} })
  try {
    await old.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM stem.statuses")
    let over = false
    let slowest = 0
    const others = (async () => {
      for (const other = await enter(); !over; ) {
        const start = performance.now()
        await work(other, 1)
        slowest = Math.max(slowest, performance.now() - start)
      }
    })()
    await counted()
    const begun = performance.now()
    const trouble = await driver.giveBack?.().catch((error) => error)
    console.log("ms", { slowest, took: performance.now() - begun })
    over = true
    await others
    // It is given up where it had to wait, and told then.
    if (trouble) expect(trouble).toMatchObject({ kind: "unavailable", code: "store_busy" })
    expect(performance.now() - begun).toBeLessThan(30_000)
    expect(slowest).toBeLessThan(2000)
  } finally {
    await old.end()
  }
}, 120_000)

test("half an index, as a round leaves it that was given up, is cleared away by the next", async () => {
  const driver = await enter()
  await server.sql(
    "CREATE INDEX statuses_ended_ccnew ON stem.statuses (ended)",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'stem.statuses_ended_ccnew'::regclass",
  )
  await driver.giveBack?.()
  expect([...(await sizes()).keys()]).not.toContain("statuses_ended_ccnew")
}, 60_000)

test("a driver that is closed does not wait for what it gives back", async () => {
  await burst()
  await server.sql("VACUUM (ANALYZE) stem.tasks, stem.statuses")
  const other = postgres(server.url, { max: 1, onnotice() {} })
  try {
    await other.unsafe("BEGIN; LOCK TABLE stem.tasks, stem.statuses IN SHARE UPDATE EXCLUSIVE MODE")
    const driver = await enter()
    const giving = driver.giveBack?.()
    const waits = () =>
      server.sql(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'REINDEX INDEX%' AND wait_event_type = 'Lock'",
      )
    while ((await waits()).length === 0) await Bun.sleep(20)
    const begun = performance.now()
    await driver.close()
    expect(await giving).toBeFalse()
    expect(performance.now() - begun).toBeLessThan(1000)
  } finally {
    await other.end()
  }
}, 60_000)

test("who may use the tables, and does not own them, gives nothing back and is told nothing", async () => {
  await burst()
  await server.sql("VACUUM (ANALYZE) stem.tasks, stem.statuses", "CREATE ROLE guest LOGIN PASSWORD 'guest'")
  await server.sql(
    "GRANT USAGE ON SCHEMA stem TO guest",
    "GRANT ALL ON ALL TABLES IN SCHEMA stem TO guest",
    "GRANT ALL ON ALL SEQUENCES IN SCHEMA stem TO guest",
  )
  const before = await sizes()
  const driver = await open(server.url.replace("postgres:postgres@", "guest:guest@"), {
    ...{ namespace: "room", clock: systemClock },
  })
  drivers.push(driver)
  expect(await driver.giveBack?.()).toBeFalse()
  expect((await sizes()).get("tasks_pkey")).toBe(before.get("tasks_pkey"))
  expect(before.get("tasks_pkey")).toBeGreaterThan(1)
}, 60_000)
