import { encodeStatus, endOf, type TaskState, type TaskStatus } from "../../core/task/status.ts"
import type { Connection } from "./connection.ts"

/** The table of ended tasks. Writing is for inside a transaction only. */
export interface Statuses {
  /** Of two statuses for one id the one with the higher token stays; of equal tokens, the later. */
  put(status: TaskStatus, text?: string): void
  get(id: string): string | undefined
  stateOf(id: string): TaskState | undefined
  remove(id: string): void
}

export function createStatuses({ sql }: Connection, ns: number): Statuses {
  const put = sql(
    `INSERT INTO statuses (ns, id, state, task, queue, ended, token, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
       ended = excluded.ended, token = excluded.token, status = excluded.status WHERE excluded.token >= token`,
  )
  const get = sql("SELECT status FROM statuses WHERE ns = ?1 AND id = ?2")
  const state = sql("SELECT state FROM statuses WHERE ns = ?1 AND id = ?2")
  const remove = sql("DELETE FROM statuses WHERE ns = ?1 AND id = ?2")
  return {
    put(status, text = encodeStatus(status)) {
      const { id, state, task, queue, token } = status
      put.run(ns, id, state, task, queue, endOf(status), token, text)
    },
    get: (id) => get.one<{ status: string }>(ns, id)?.status,
    stateOf: (id) => state.one<{ state: TaskState }>(ns, id)?.state,
    remove: (id) => void remove.run(ns, id),
  }
}
