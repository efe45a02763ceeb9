import type { Enqueued } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { stateOf } from "../../core/task/live.ts"
import type { TaskState } from "../../core/task/status.ts"
import type { TaskRow } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** How tasks come in; inside a transaction only. */
export interface Intake {
  /** Stores an envelope, given with its text, unless its id is known. */
  add(envelope: Envelope, text: string, now: Millis): Enqueued
  /** The state of the task that has this id here, live, ended or dead. */
  knownState(id: string, now: Millis): TaskState | undefined
}

export function createIntake({ connection: { sql }, ns, queues }: Store, statuses: Statuses): Intake {
  const insert = sql(
    `INSERT INTO tasks (ns, id, queue, rank, due, envelope) SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE NOT EXISTS (SELECT 1 FROM statuses WHERE ns = ?1 AND id = ?2)
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?2)
     ON CONFLICT (ns, id) DO NOTHING`,
  )
  const live = sql("SELECT due, attempts, holder FROM tasks WHERE ns = ?1 AND id = ?2")
  const dead = sql("SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?2")

  function knownState(id: string, now: Millis): TaskState | undefined {
    const row = live.one<Pick<TaskRow, "due" | "attempts" | "holder">>(ns, id)
    if (row) return stateOf({ ...row, dueAt: row.due, holder: row.holder ?? undefined }, now)
    return statuses.stateOf(id) ?? (dead.one(ns, id) ? "failed" : undefined)
  }

  return {
    knownState,
    add(envelope, text, now) {
      const { id, queue, priority, dueAt } = envelope
      if (insert.run(ns, id, queues.ensure(queue), 9 - priority, dueAt, text) === 1)
        return { id, kind: "stored", state: dueAt > now ? "scheduled" : "queued" }
      return { id, kind: "duplicate", state: knownState(id, now) as TaskState }
    },
  }
}
