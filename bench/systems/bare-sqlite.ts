/**
 * The floor under Stem's SQLite store: the statements of src/adapters/sqlite with nothing around them, in one
 * process, in lists of the same length, with the same schema and the same fsync. Texts are written and read as
 * JSON, for a store that keeps no tasks and no results would be no store.
 */
import { Database } from "bun:sqlite"
import { join } from "node:path"
import schema from "../../src/adapters/sqlite/schema-1.sql" with { type: "text" }
import type { Place } from "../places.ts"
import { type BareRun, envelopeOf, newHolder, RANK, statusOf } from "./bare.ts"
import { type DrainAsk, lists, mustBeExact, type System, type Timed } from "./system.ts"

/** Tasks in one transaction, as Stem's client sends them. */
const LIST = 1000
const NS = 1
const QUEUE = 1

function open({ folder }: Place): Database {
  const db = new Database(join(folder, "bare.db"))
  db.run("PRAGMA journal_mode = WAL")
  db.run("PRAGMA synchronous = FULL")
  db.run("PRAGMA wal_autocheckpoint = 4000")
  db.run("PRAGMA temp_store = MEMORY")
  db.run(schema)
  return db
}

function inserter(db: Database) {
  const insert = db.prepare(
    `INSERT INTO tasks (ns, id, queue, rank, due, envelope) SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE NOT EXISTS (SELECT 1 FROM statuses WHERE ns = ?1 AND id = ?2)
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?2)
     ON CONFLICT (ns, id) DO NOTHING`,
  )
  return db.transaction((numbers: readonly number[]) => {
    const now = Date.now()
    for (const n of numbers) {
      const envelope = envelopeOf(n, now)
      insert.run(NS, envelope.id, QUEUE, RANK, now, JSON.stringify(envelope))
    }
  }).immediate
}

function fill(db: Database, tasks: number, list: number): Timed {
  const insert = inserter(db)
  const began = performance.now()
  for (const numbers of lists(tasks, list)) insert(numbers)
  return { tasks, ms: performance.now() - began }
}

interface Row {
  readonly seq: number
  readonly token: number
  readonly envelope: string
}

/** One transaction a turn: what was taken in the turn before is finished, and the next is taken. */
function drain(db: Database, { tasks, concurrency }: DrainAsk): Timed {
  const ready = db.prepare(
    `SELECT seq, id, token, attempts, cancel, replays, envelope
     FROM tasks WHERE queue = ?1 AND rank = ?2 AND until IS NULL AND due <= ?3 ORDER BY due, seq LIMIT ?4`,
  )
  const lease = db.prepare(
    "UPDATE tasks SET until = ?2, holder = ?3, started = ?4, token = token + 1, attempts = ?5 WHERE seq = ?1",
  )
  const finish = db.prepare(
    `DELETE FROM tasks WHERE ns = ?1 AND id = ?2 AND token = ?3 AND until IS NOT NULL
     AND progress IS NULL AND replays IS NULL`,
  )
  const put = db.prepare(
    `INSERT INTO statuses (ns, id, state, task, queue, ended, token, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
       ended = excluded.ended, token = excluded.token, status = excluded.status WHERE excluded.token >= token`,
  )
  const holder = newHolder()

  function settle({ envelope, token, startedAt }: BareRun, now: number): void {
    const { id, task, queue } = envelope
    if (finish.run(NS, id, token).changes !== 1) throw new Error(`${id} is another's`)
    const status = statusOf(envelope, { token, startedAt, now, worker: holder })
    put.run(NS, id, "succeeded", task, queue, now, token, JSON.stringify(status))
  }

  const turn = db.transaction((over: readonly BareRun[]): BareRun[] => {
    const now = Date.now()
    for (const run of over) settle(run, now)
    return (ready.all(QUEUE, RANK, now, concurrency) as Row[]).map((row) => {
      lease.run(row.seq, now + 60_000, holder, now, 0)
      return {
        envelope: JSON.parse(row.envelope) as BareRun["envelope"],
        token: row.token + 1,
        startedAt: now,
      }
    })
  }).immediate

  const began = performance.now()
  let runs = turn([])
  while (runs.length > 0) runs = turn(runs)
  return { tasks, ms: performance.now() - began }
}

function check(db: Database, tasks: number): void {
  const found = db.query(
    "SELECT count(*) AS count, count(DISTINCT id) AS ids, sum(json_extract(status, '$.result')) AS sum FROM statuses",
  )
  mustBeExact(tasks, found.get() as { count: number; ids: number; sum: number })
}

export const system: System = {
  about: {
    name: "bare bun:sqlite",
    version: Bun.version,
    durability: "fsync before every answer (WAL, synchronous=FULL)",
    results: "stored",
    handlers: "none",
  },
  enqueueOne: async (place, tasks) => fill(open(place), tasks, 1),
  enqueueMany: async (place, tasks) => fill(open(place), tasks, LIST),
  async drain(place, ask) {
    const db = open(place)
    fill(db, ask.tasks, LIST)
    const timed = drain(db, ask)
    check(db, ask.tasks)
    return timed
  },
}
