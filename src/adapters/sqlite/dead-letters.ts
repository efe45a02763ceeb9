import type { DeadLetterFilter, DeadLetters, ReplayAsk } from "../../core/contracts/inspector.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import type { Failure } from "../../core/task/failure.ts"
import { aloneOf, membershipOf } from "../../core/task/group.ts"
import type { Replay } from "../../core/task/status.ts"
import type { Lines } from "./lines.ts"
import { parsed, readEnvelope, replaysOf } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

interface DeadRow {
  readonly id: string
  readonly queue: number
  readonly rank: number
  readonly task: string
  readonly died: Millis
  readonly token: number
  readonly attempts: number
  readonly error: string
  readonly replays: string | null
  readonly envelope: string
}

const COLUMNS = "id, queue, rank, task, died, token, attempts, error, replays, envelope"

const MATCHING = `ns = ?1 AND died >= ?2 AND died < ?3 AND (?4 IS NULL OR queue = ?4) AND (?5 IS NULL OR task = ?5)
  AND (?6 IS NULL OR instr(sought, ?6) > 0)`

export function createDeadLetters(
  store: Store,
  { statuses, lines }: { statuses: Statuses; lines: Lines },
): DeadLetters {
  const { commit, clock, connection, ns, queues } = store
  const { sql, patiently } = connection
  const list = sql(
    `SELECT ${COLUMNS} FROM dead_letters WHERE ${MATCHING} ORDER BY died DESC, id DESC LIMIT ?7`,
  )
  const count = sql(`SELECT count(*) AS n FROM dead_letters WHERE ${MATCHING}`)
  const get = sql(`SELECT ${COLUMNS} FROM dead_letters WHERE ns = ?1 AND id = ?2`)
  const remove = sql("DELETE FROM dead_letters WHERE ns = ?1 AND id = ?2")
  const prune = sql(
    `DELETE FROM dead_letters WHERE seq IN (
       SELECT seq FROM dead_letters WHERE ns = ?1 AND died < ?2 ORDER BY died, id LIMIT ?3)`,
  )
  const revive = sql(
    `INSERT INTO tasks (ns, id, queue, rank, due, token, replays, envelope, fair)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (ns, id) DO NOTHING`,
  )

  const letterOf = (row: DeadRow): DeadLetter => {
    const envelope = readEnvelope(row.envelope)
    return {
      id: row.id,
      task: row.task,
      queue: queues.nameOf(row.queue),
      error: JSON.parse(row.error) as Failure,
      attempts: row.attempts,
      diedAt: row.died,
      ...(envelope instanceof Error ? { raw: row.envelope } : { envelope }),
      replays: replaysOf(row),
    }
  }

  function replay({ id, dueAt, edit, rejoin }: ReplayAsk, now: Millis): boolean {
    const row = get.one<DeadRow>(ns, id)
    const envelope = row && readEnvelope(row.envelope)
    if (!envelope || envelope instanceof Error) return false
    const died: Replay = { at: now, diedAt: row.died, error: (JSON.parse(row.error) as Failure).message }
    const trail = JSON.stringify([...(parsed<Replay[]>(row.replays) ?? []), died])
    const own = rejoin || !membershipOf(envelope) ? envelope : aloneOf(envelope)
    const edited = edit ? { ...own, input: edit.input } : own
    const text = edited === envelope ? row.envelope : encodeEnvelope(edited)
    const { queue, rank } = row
    const line = lines.lineOf(queue, rank, envelope)
    remove.run(ns, id)
    statuses.remove(id)
    if (revive.run(ns, id, queue, rank, dueAt, row.token, trail, text, line) !== 1) return false
    if (line !== null) lines.joined(queue, rank, line, dueAt)
    return true
  }

  /** The values of a filter; undefined for a queue that this file has never seen. */
  function valuesOf({ queue, task, error, since, until }: Omit<DeadLetterFilter, "limit">) {
    const number = queue === undefined ? null : queues.find(queue)
    if (number === undefined) return undefined
    return [
      ns,
      since ?? Number.MIN_SAFE_INTEGER,
      until ?? Number.MAX_SAFE_INTEGER,
      number,
      task ?? null,
      error?.toLowerCase() ?? null,
    ]
  }

  return {
    list: (filter) =>
      patiently(() => {
        const values = valuesOf(filter)
        return values ? list.all<DeadRow>(...values, filter.limit).map(letterOf) : []
      }),

    count: (filter) =>
      patiently(() => {
        const values = valuesOf(filter)
        return values ? (count.one<{ n: number }>(...values)?.n ?? 0) : 0
      }),

    get: (id) =>
      patiently(() => {
        const row = get.one<DeadRow>(ns, id)
        return row && letterOf(row)
      }),

    replay: (asks) =>
      commit.write(() => {
        const now = clock.now()
        return asks.filter((ask) => replay(ask, now)).map(({ id }) => id)
      }),

    purge: (ids) => commit.write(() => ids.filter((id) => remove.run(ns, id) === 1).length),
    prune: (before, max) => commit.write(() => prune.run(ns, before, max)),
  }
}
