import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { StatusFilter } from "../../core/contracts/results.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { liveTask, TASK_COLUMNS, type TaskRow } from "./rows.ts"
import type { Store } from "./store.ts"

/** Live tasks, the earliest due first. */
export type Listing = (filter: StatusFilter, now: Millis) => readonly LiveTask[]

/** Reads at most `limit` fitting rows of each queue and rank, in the order of the index, and merges them. */
export function createListing({ connection: { sql }, queues }: Store): Listing {
  const range = "due >= ?2 AND due < ?3"
  const waiting = sql(
    `SELECT ${TASK_COLUMNS} FROM tasks WHERE queue = ?1 AND rank = ?4 AND until IS NULL AND ${range}
     ORDER BY due, seq`,
  )
  const leased = sql(`SELECT ${TASK_COLUMNS} FROM tasks WHERE queue = ?1 AND until IS NOT NULL AND ${range}`)

  return (filter, now) => {
    const { states, limit } = filter
    const since = filter.since ?? Number.MIN_SAFE_INTEGER
    const until = filter.until ?? Number.MAX_SAFE_INTEGER
    const fits = ({ status }: LiveTask) =>
      (filter.task ?? status.task) === status.task && (states?.includes(status.state) ?? true)
    const found: { row: TaskRow; task: LiveTask }[] = []

    const gather = (rows: Iterable<TaskRow>, most: number) => {
      const end = found.length + most
      for (const row of rows) {
        if (found.length >= end) break
        const task = liveTask(row, now)
        if (task && fits(task)) found.push({ row, task })
      }
    }

    for (const { queue, name } of queues.all()) {
      if ((filter.queue ?? name) !== name) continue
      if (!states || states.includes("running"))
        gather(leased.each<TaskRow>(queue, since, until), Number.POSITIVE_INFINITY)
      if (!states || states.some((state) => state !== "running"))
        for (let rank = 0; rank <= 9; rank++) gather(waiting.each<TaskRow>(queue, since, until, rank), limit)
    }
    return found
      .sort((a, b) => a.row.due - b.row.due || a.row.seq - b.row.seq)
      .slice(0, limit)
      .map(({ task }) => task)
  }
}
