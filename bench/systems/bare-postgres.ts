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

const TAKE = "CALL take($1, $2, $3, $4, $5, $6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
const SETTLE = "SELECT settle_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS others"

/** While one list is finished the next is taken, as one behind the other on the same connection. */
async function drain(sql: Sql, { tasks, concurrency }: DrainAsk): Promise<Timed> {
  const holder = newHolder()

  async function take(): Promise<{ reservation: string; seqs: string; runs: readonly BareRun[] }> {
    const now = Date.now()
    const [row] = await sql(TAKE, ...[NS, `{${QUEUE}}`, concurrency, now, holder, now + LEASE_MS])
    if (!row?.ids) return { reservation: "", seqs: "", runs: [] }
    const runs = (row.envelopes?.split(BETWEEN) ?? []).map((text) => ({
      envelope: JSON.parse(text) as BareRun["envelope"],
      token: 1,
      startedAt: now,
    }))
    // All are of one queue and priority, and none has been back: they have one reservation.
    return { reservation: String(row.reservations?.split(",", 1)[0]), seqs: row.seqs ?? "", runs }
  }

  async function finish({ reservation, seqs, runs }: Awaited<ReturnType<typeof take>>): Promise<void> {
    const now = Date.now()
    const statuses = runs.map(({ envelope, token, startedAt }) =>
      JSON.stringify(statusOf(envelope, { token, startedAt, now, worker: holder })),
    )
    const [row] = await sql(
      SETTLE,
      ...([NS, texts(runs.map(({ envelope }) => envelope.id))] as const),
      ...([`{${reservation}}`, `{${runs.length}}`, same(1, runs.length)] as const),
      `{${seqs}}`,
      ...([texts(statuses), "succeeded", "nothing", "default", `{${now}}`] as const),
    )
    if (row?.others) throw new Error("a task is another's")
  }

  const began = performance.now()
  let taken = await take()
  while (taken.runs.length > 0) {
    const next = take()
    await finish(taken)
    taken = await next
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
