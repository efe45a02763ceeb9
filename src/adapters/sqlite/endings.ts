import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { type Failure, toFailure } from "../../core/task/failure.ts"
import { type Arrival, absenceOf, CANCELLED_MEMBER, placeIn } from "../../core/task/group.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import { type Joins, readyArrival } from "./joins.ts"
import type { Keys } from "./keys.ts"
import { ENVELOPE, factsOf, readEnvelope, standIn, TASK_COLUMNS, type TaskRow } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** How tasks leave `tasks`, other than by an ordinary settlement; inside a transaction only. */
export interface Endings {
  /** Ends a task as cancelled and answers the status that was written. */
  cancel(seq: number, now: Millis): TaskStatus
  /** Copies a live task to the dead letters. */
  bury(
    row: Pick<TaskRow, "seq">,
    death: { task: string; attempts: number; reason: Failure; now: Millis },
  ): void
  /** Ends a task whose envelope can not be read: a dead letter that keeps the text, and a failed status. */
  buryUnreadable(seq: number, why: Error, now: Millis): void
}

export function createEndings(
  { connection: { sql }, queues }: Store,
  { statuses, keys, joins }: { statuses: Statuses; keys: Keys; joins: Joins },
): Endings {
  const find = sql(`SELECT ${TASK_COLUMNS} FROM tasks WHERE seq = ?1`)
  const rowOf = (seq: number) => find.one<TaskRow>(seq) as TaskRow
  const remove = sql("DELETE FROM tasks WHERE seq = ?1")
  const copy = sql(
    `INSERT INTO dead_letters (ns, id, queue, rank, task, died, token, attempts, error, sought, replays, envelope)
     SELECT ns, id, queue, rank, ?2, ?3, token, ?4, ?5, ?6, replays, ${ENVELOPE} FROM tasks WHERE seq = ?1`,
  )

  const standInFor = (row: TaskRow): Envelope => standIn(row, queues.nameOf(row.queue))

  /** Its group hears that a member is gone, even of one that can not be read where its place can. */
  function miss(row: TaskRow, envelope: Envelope | Error, error: NonNullable<Arrival["error"]>, now: Millis) {
    const group = envelope instanceof Error ? placeIn(row.envelope) : undefined
    const member = envelope instanceof Error ? { ...standInFor(row), ...(group && { group }) } : envelope
    const absence = absenceOf(member, error)
    if (absence) joins.arrive(readyArrival(absence), now)
  }

  const endings: Endings = {
    cancel(seq, now) {
      const row = rowOf(seq)
      const envelope = readEnvelope(row.envelope)
      const facts = factsOf(row, envelope instanceof Error ? standInFor(row) : envelope)
      const status = endedStatusOf(facts, "cancelled", now)
      remove.run(seq)
      statuses.put(status)
      if (!(envelope instanceof Error) && envelope.unique) keys.setFree(envelope.unique.key, row.id)
      miss(row, envelope, CANCELLED_MEMBER, now)
      return status
    },

    bury({ seq }, { task, attempts, reason, now }) {
      copy.run(seq, task, now, attempts, JSON.stringify(reason), soughtIn(reason))
    },

    buryUnreadable(seq, why, now) {
      const row = rowOf(seq)
      const envelope = standInFor(row)
      const reason = toFailure(why)
      endings.bury(row, { task: envelope.task, attempts: row.attempts, reason, now })
      remove.run(seq)
      statuses.put({ ...endedStatusOf(factsOf(row, envelope), "failed", now), error: reason })
      miss(row, why, reason, now)
    },
  }
  return endings
}

/** What a search for an error looks through. */
const soughtIn = ({ name, code = "", message }: Failure) => [name, code, message].join("\u0001").toLowerCase()
