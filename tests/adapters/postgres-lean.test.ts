import { afterAll, beforeAll, expect, test } from "bun:test"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { every, putOf } from "../support/schedules.ts"
import { settlementsBy } from "../support/settlements.ts"

// Counted in pages that the server touched, not in time; and without autovacuum, which would hide what is dead.
let server: PostgresServer
let driver: Driver
beforeAll(async () => {
  server = await postgresServer({
    settings: [
      "autovacuum = off",
      "fsync = off",
      "shared_buffers = 256MB",
      "max_wal_size = 2GB",
      "track_functions = all",
    ],
  })
  driver = await open(server.url, { namespace: "lean", clock: systemClock })
}, 60_000)
afterAll(async () => {
  await driver.close()
  await server.remove()
}, 60_000)

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
let made = 0

async function store(count: number, wish: Parameters<typeof task>[1] = {}): Promise<void> {
  for (let left = count; left > 0; left -= 2000)
    await driver.broker.enqueue(Array.from({ length: Math.min(left, 2000) }, () => task(`t${made++}`, wish)))
}

async function drain(count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const ask = { queues: ["default"], max: 1000, holder: "w", leaseMs: 600_000 }
    const { deliveries } = await driver.broker.reserve(ask)
    left -= deliveries.length
    await driver.broker.settle(deliveries.map((delivery) => say.success(delivery)))
  }
}

/** How many pages a reserve of ten touches. */
async function pagesOfReserve(): Promise<number> {
  const reserve = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM stem.reserve(1,
    ARRAY[(SELECT queue FROM stem.queues WHERE name = 'default')], 10, ${Date.now()}, 'w', 9000000000001)`
  // The first in a session reads the catalogues; the others are undone.
  const rows = await server.sql("SET jit = off", "BEGIN", reserve, "ROLLBACK", "BEGIN", reserve)
  const [row = {}] = rows
  const [{ Plan: plan }] = row["QUERY PLAN"] as [{ Plan: Record<string, number> }]
  return Number(plan["Shared Hit Blocks"]) + Number(plan["Shared Read Blocks"])
}

/** So many dead entries lie on a page of the index; until vacuum comes a reserve passes them, page by page. */
const DEAD_PER_PAGE = 150

test("a reserve touches as few pages before, amid and after a hundred thousand tasks, and beside as many scheduled", async () => {
  await store(100)
  const fresh = await pagesOfReserve()
  await store(100_000)
  const deep = await pagesOfReserve()
  await drain(100_000)
  const drained = await pagesOfReserve()
  await server.sql("VACUUM stem.tasks")
  const vacuumed = await pagesOfReserve()
  await store(100_000, { dueIn: 3_600_000, priority: 9 })
  const scheduled = await pagesOfReserve()
  console.log("pages of a reserve", { fresh, deep, drained, vacuumed, scheduled })
  expect(deep).toBeLessThan(fresh * 1.5 + 50)
  expect(drained).toBeLessThan(fresh * 1.5 + 100_000 / DEAD_PER_PAGE)
  expect(vacuumed).toBeLessThan(fresh * 1.5 + 50)
  expect(scheduled).toBeLessThan(fresh * 1.5 + 50)
}, 120_000)

/** A number that the server keeps. */
async function fact(expression: string): Promise<number> {
  return Number((await server.sql(`SELECT ${expression} AS n`))[0]?.n)
}

test("a lease touches no task, however many there are, and leaves nothing behind", async () => {
  await drain(100)
  await store(20_000)
  const updates = await fact("(SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'tasks')")
  const written = () => fact("pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
  const before = await written()
  const ask = { queues: ["default"], max: 5000, holder: "w", leaseMs: 600_000 }
  const taken = []
  for (let left = 4; left > 0; left--) taken.push(...(await driver.broker.reserve(ask)).deliveries)
  expect(taken).toHaveLength(20_000)
  const held = await fact("(SELECT count(*) FROM stem.reservations)")
  const perLease = ((await written()) - before) / taken.length
  await driver.broker.settle(taken.map((delivery) => say.success(delivery)))
  const perTask = ((await written()) - before) / taken.length
  console.log("bytes of log", { perLease, perTask })
  // A row for each lease was 271 bytes.
  expect(perLease).toBeLessThan(30)
  expect(perTask).toBeLessThan(700)
  expect(await fact("(SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'tasks')")).toBe(updates)
  expect(held).toBe(4)
  expect(await fact("(SELECT count(*) FROM stem.reservations)")).toBe(0)
}, 120_000)

/** How many rows the server looks at to end two hundred tasks, in both ways, which it then leaves as they were. */
async function rowsOfSettle(): Promise<readonly number[]> {
  const ask = { queues: ["default"], max: 200, holder: "w", leaseMs: 600_000 }
  const leases = (await driver.broker.reserve(ask)).deliveries.map(({ lease }) => lease)
  expect(leases).toHaveLength(200)
  const [first] = leases
  const ids = `'${leases.map(({ id }) => id).join("\u001e")}'`
  const each = (value: number) => `'{${leases.map(() => value).join(",")}}'`
  const number = first?.reservation ?? 0
  const seqs = leases.map(({ seq }) => seq).join(",")
  const ways = [
    `SELECT * FROM stem.settle_plain(1, ${ids}, '{${number}}', '{200}', ${each(1)}, '{${seqs}}', '', '', '', '', '{}')`,
    `SELECT * FROM stem.settle(1, 1, ${ids}, ${each(1)}, ${each(number)}, '{${seqs}}', '{}', '{}', '', '', '', '', '', '', '{}', '{}', '{}', '',
      '', '{}', '{}', '{}', '', true)`,
  ]
  const found =
    "SELECT idx_tup_fetch AS n, n_tup_del AS ended FROM pg_stat_xact_user_tables WHERE relname = 'tasks'"
  const looked: number[] = []
  for (const way of ways) {
    const rows = await server.sql("BEGIN", way, found)
    expect(Number(rows[0]?.ended)).toBe(200)
    looked.push(Number(rows[0]?.n))
  }
  return looked
}

test("ends are looked up one by one, also where the server believes that nobody waits", async () => {
  await server.sql("DELETE FROM stem.tasks")
  await store(30_000)
  await drain(30_000)
  await store(3, { dueIn: 3_600_000 })
  // As autovacuum leaves a table whose tasks have all run: long indexes, and hardly a row that is known of.
  await server.sql("VACUUM (ANALYZE, TRUNCATE off) stem.tasks")
  await store(5000)
  const looked = await rowsOfSettle()
  console.log(looked)
  for (const rows of looked) expect(rows).toBeLessThan(1000)
}, 120_000)

test("links of chains and members of groups end by lists, as plain tasks do", async () => {
  await server.sql("DELETE FROM stem.tasks")
  const members = Array.from({ length: 20 }, (_, index) => ({ group: { group: "lean", index } }))
  await driver.broker.enqueue(members.map((more, at) => task(`member-${at}`, { more })))
  const ask = { queues: ["default"], max: 20, holder: "w", leaseMs: 600_000 }
  const { deliveries } = await driver.broker.reserve(ask)
  // The longer way is not there meanwhile.
  await server.sql("ALTER FUNCTION stem.settle_flows RENAME TO hidden")
  const answers = await driver.broker.settle(
    deliveries.map((of, index) => ({
      ...say.success(of, undefined, [task(`link-${index}`)]),
      arrive: { group: "lean", index, id: of.envelope.id, ok: true },
    })),
  )
  expect(answers).toEqual(deliveries.map(() => "settled"))
  expect(await fact("(SELECT count(*) FROM stem.arrivals)")).toBe(20)
  await server.sql("ALTER FUNCTION stem.hidden RENAME TO settle_flows")
  await drain(20)
}, 60_000)

test("a slot is given back without a look at the others", async () => {
  const take = (key: string, ids: readonly string[]) =>
    driver.limits.take(
      ids.map((id) => ({ id, token: 1, limits: [{ key, most: 500 }] })),
      600_000,
      500,
    )
  await take(
    "other",
    Array.from({ length: 500 }, (_, at) => `other-${at}`),
  )
  await take("k", ["a"])
  const rows = await server.sql(
    "BEGIN",
    "SELECT * FROM stem.free_slots(1, 0, 0, 0, 'k', '{500}', 'k', 'a', '{1}')",
    "SELECT idx_tup_fetch AS n, n_tup_del AS freed FROM pg_stat_xact_user_tables WHERE relname = 'slots'",
  )
  expect(Number(rows[0]?.freed)).toBe(1)
  expect(Number(rows[0]?.n)).toBeLessThan(50)
}, 60_000)

test("schedules that are removed are found by their names, however many there are", async () => {
  const now = systemClock.now()
  const names = Array.from({ length: 2000 }, (_, n) => `every-${n}`)
  await driver.schedules.put(names.map((name) => putOf(every(name, 60_000), now)))
  const some = names.slice(1000, 1010).map((name) => `'${name}'`)
  const rows = await server.sql(
    "BEGIN",
    `SELECT count(*) FROM stem.drop_schedules(1, ARRAY[${some.join(",")}])`,
    `SELECT sum(idx_tup_fetch) AS n, sum(n_tup_del) AS gone FROM pg_stat_xact_user_tables
     WHERE relname IN ('schedules', 'firings')`,
  )
  expect(Number(rows[0]?.gone)).toBe(10)
  expect(Number(rows[0]?.n)).toBeLessThan(100)
}, 60_000)
