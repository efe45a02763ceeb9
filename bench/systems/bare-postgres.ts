/**
 * The floor under Stem's Postgres store: the same statements by a plain porsager client on one connection, in one
 * process, in lists of the same length. Texts are written and read as JSON, for a store that keeps no tasks and no
 * results would be no store.
 */
import postgres from "postgres"
import client from "../../node_modules/postgres/package.json" with { type: "json" }
import { migrate } from "../../src/adapters/postgres/driver.ts"
import { BETWEEN } from "../../src/adapters/postgres/sql-values.ts"
import type { Place } from "../places.ts"
import { type BareRun, envelopeOf, newHolder, RANK, statusOf } from "./bare.ts"
import { check } from "./check.ts"
import { type DrainAsk, lists, type System, type Timed } from "./system.ts"

const LIST = 1000
const LEASE_MS = 60_000
const NS = 1
const QUEUE = 1

type Sql = (
  text: string,
  ...values: (string | number | boolean)[]
) => Promise<readonly Record<string, string>[]>

async function open({ broker, server, name }: Place): Promise<Sql> {
  await migrate(broker, { dryRun: false })
  const sql = postgres(server, { max: 1, fetch_types: false })
  const run: Sql = (text, ...values) => sql.unsafe(text, values, { prepare: true }) as never
  // As Stem's own connections.
  await sql.unsafe(`SET enable_seqscan = off; SET jit = off; SET search_path = ${name}`)
  await run("INSERT INTO namespaces (name) VALUES ($1)", "bench")
  await run("INSERT INTO queues (ns, name) VALUES (1, $1)", "default")
  return run
}

const texts = (list: readonly string[]) => list.join(BETWEEN)
const same = (value: number | string, count: number) => `{${Array(count).fill(value).join(",")}}`

async function fill(sql: Sql, tasks: number, list: number): Promise<Timed> {
  const began = performance.now()
  for (const numbers of lists(tasks, list)) {
    const now = Date.now()
    const envelopes = numbers.map((n) => envelopeOf(n, now))
    const count = envelopes.length
    await sql(
      "SELECT enqueue($1, $2, $3, $4, $5, $6, $7) AS known",
      ...([NS, texts(envelopes.map(({ id }) => id)), texts(envelopes.map(({ task }) => task))] as const),
      ...([same(QUEUE, count), same(RANK, count), same(now, count)] as const),
      texts(envelopes.map((envelope) => JSON.stringify(envelope))),
    )
  }
  return { tasks, ms: performance.now() - began }
}

const SETTLE = `SELECT * FROM settle(${Array.from({ length: 22 }, (_, at) => `$${at + 1}`).join(", ")})`

/** While one list is finished the next is taken, as one behind the other on the same connection. */
async function drain(sql: Sql, { tasks, concurrency }: DrainAsk): Promise<Timed> {
  const holder = newHolder()

  async function take(): Promise<BareRun[]> {
    const now = Date.now()
    const taking = sql(
      "SELECT * FROM reserve($1, $2, $3, $4, $5)",
      ...([`{${QUEUE}}`, concurrency, now, holder] as const),
      now + LEASE_MS,
    )
    const [row] = await taking
    if (!row?.ids) return []
    const tokens = row.tokens?.split(",") ?? []
    return (row.envelopes?.split(BETWEEN) ?? []).map((text, at) => ({
      envelope: JSON.parse(text) as BareRun["envelope"],
      token: Number(tokens[at]),
      startedAt: now,
    }))
  }

  async function finish(runs: readonly BareRun[]): Promise<void> {
    const now = Date.now()
    const count = runs.length
    const blank = BETWEEN.repeat(count - 1)
    const all = (of: (envelope: BareRun["envelope"]) => string) =>
      texts(runs.map(({ envelope }) => of(envelope)))
    const statuses = runs.map(({ envelope, token, startedAt }) =>
      JSON.stringify(statusOf(envelope, { token, startedAt, now, worker: holder })),
    )
    const [row] = await sql(
      SETTLE,
      ...([NS, now, all(({ id }) => id), `{${runs.map(({ token }) => token).join(",")}}`] as const),
      ...([same(0, count), same("null", count), blank, blank, texts(statuses)] as const),
      ...([same("succeeded", count).slice(1, -1).replaceAll(",", BETWEEN), all(({ task }) => task)] as const),
      ...([all(({ queue }) => queue), same(now, count), same(3, count)] as const),
      ...(["{}", "", "", "{}", "{}", "{}", "", true] as const),
    )
    if (row?.stale) throw new Error("a task is another's")
  }

  const began = performance.now()
  let runs = await take()
  while (runs.length > 0) {
    const next = take()
    await finish(runs)
    runs = await next
  }
  return { tasks, ms: performance.now() - began }
}

export const system: System = {
  about: {
    name: "bare postgres.js",
    version: client.version,
    durability: "fsync before every answer (synchronous_commit=on)",
    results: "stored",
    handlers: "none",
  },
  enqueueOne: async (place, tasks) => fill(await open(place), tasks, 1),
  enqueueMany: async (place, tasks) => fill(await open(place), tasks, LIST),
  async drain(place, ask) {
    const sql = await open(place)
    await fill(sql, ask.tasks, LIST)
    const timed = await drain(sql, ask)
    await check(place, ask.tasks)
    return timed
  },
}
