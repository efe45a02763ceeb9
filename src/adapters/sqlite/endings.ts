import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { type Failure, toFailure } from "../../core/task/failure.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import { factsOf, readEnvelope, standIn, TASK_COLUMNS, type TaskRow } from "./rows.ts"
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

export function createEndings({ connection: { sql }, queues }: Store, statuses: Statuses): Endings {
  const find = sql(`SELECT ${TASK_COLUMNS} FROM tasks WHERE seq = ?1`)
  const rowOf = (seq: number) => find.one<TaskRow>(seq) as TaskRow
  const remove = sql("DELETE FROM tasks WHERE seq = ?1")
  const copy = sql(
    `INSERT INTO dead_letters (ns, id, queue, rank, task, died, token, attempts, error, sought, replays, envelope)
     SELECT ns, id, queue, rank, ?2, ?3, token, ?4, ?5, ?6, replays, envelope FROM tasks WHERE seq = ?1`,
  )

  const standInFor = (row: TaskRow): Envelope => standIn(row, queues.nameOf(row.queue))

  const endings: Endings = {
    cancel(seq, now) {
      const row = rowOf(seq)
      const envelope = readEnvelope(row.envelope)
      const facts = factsOf(row, envelope instanceof Error ? standInFor(row) : envelope)
      const status = endedStatusOf(facts, "cancelled", now)
      remove.run(seq)
      statuses.put(status)
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
    },
  }
  return endings
}

/** What a search for an error looks through. */
const soughtIn = ({ name, code = "", message }: Failure) => [name, code, message].join("\u0001").toLowerCase()
