import type { QueueCounts } from "../../core/contracts/inspector.ts"
import type { EndCounts } from "../../core/contracts/results.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { EndState } from "../../core/task/status.ts"
import type { Store } from "./store.ts"

/** Counting, from indexes alone. */
export interface Counts {
  queues(now: Millis): readonly QueueCounts[]
  ended(): EndCounts
}

export function createCounts({ connection: { sql }, ns, queues }: Store): Counts {
  const due = "sum(due <= ?2) AS due, sum(due > ?2) AS later"
  const waiting = sql(`SELECT ${due} FROM tasks INDEXED BY tasks_waiting WHERE queue = ?1 AND until IS NULL`)
  const retrying = sql(
    `SELECT ${due} FROM tasks INDEXED BY tasks_retrying WHERE queue = ?1 AND until IS NULL AND attempts > 0`,
  )
  const running = sql("SELECT count(*) AS n FROM tasks WHERE queue = ?1 AND until IS NOT NULL")
  const dead = sql("SELECT count(*) AS n FROM dead_letters WHERE queue = ?1")
  const oldest = sql(
    `SELECT due FROM tasks WHERE queue = ?1 AND rank = ?2 AND until IS NULL AND due <= ?3 AND attempts = 0
     ORDER BY due LIMIT 1`,
  )
  const ended = sql("SELECT state, count(*) AS n FROM statuses WHERE ns = ?1 GROUP BY state")

  const oldestReady = (queue: number, now: Millis) =>
    Array.from({ length: 10 }, (_, rank) => oldest.one<{ due: Millis }>(queue, rank, now)?.due)
      .filter((at) => at !== undefined)
      .reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)

  type Split = { due: number | null; later: number | null } | undefined

  return {
    queues(now) {
      return queues
        .all()
        .map(({ queue, name, paused }): QueueCounts => {
          const all = waiting.one<NonNullable<Split>>(queue, now)
          const again = retrying.one<NonNullable<Split>>(queue, now)
          const ready = (all?.due ?? 0) - (again?.due ?? 0)
          return {
            queue: name,
            ready,
            scheduled: (all?.later ?? 0) - (again?.later ?? 0),
            running: running.one<{ n: number }>(queue)?.n ?? 0,
            retrying: (again?.due ?? 0) + (again?.later ?? 0),
            dead: dead.one<{ n: number }>(queue)?.n ?? 0,
            paused,
            ...(ready > 0 && { oldestReadyAt: oldestReady(queue, now) }),
          }
        })
        .filter((of) => of.paused || of.ready + of.scheduled + of.running + of.retrying + of.dead > 0)
        .sort((a, b) => (a.queue < b.queue ? -1 : 1))
    },

    ended() {
      const counts: Record<EndState, number> = { succeeded: 0, failed: 0, cancelled: 0, expired: 0 }
      for (const { state, n } of ended.all<{ state: string; n: number }>(ns))
        if (state in counts) counts[state as EndState] = n
      return counts
    },
  }
}
