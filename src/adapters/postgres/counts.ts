import type { QueueCounts } from "../../core/contracts/inspector.ts"
import type { EndCounts } from "../../core/contracts/results.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { EndState } from "../../core/task/status.ts"
import type { Connection } from "./connection.ts"

/** How many there are of what. */
export interface Counts {
  queues(now: Millis): Promise<readonly QueueCounts[]>
  ended(): Promise<EndCounts>
}

interface Row {
  readonly name: string
  readonly paused: boolean
  readonly ready: number
  readonly scheduled: number
  readonly running: number
  readonly retrying: number
  readonly dead: number
  readonly oldest: string | null
}

const QUEUES = `SELECT q.name, q.paused, t.*, (
    SELECT count(*)::integer FROM stem.dead_letters d WHERE d.ns = $1 AND d.queue = q.queue
  ) AS dead
  FROM stem.queues q CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE NOT leased AND attempts = 0 AND due <= $2)::integer AS ready,
      count(*) FILTER (WHERE NOT leased AND attempts = 0 AND due > $2)::integer AS scheduled,
      count(*) FILTER (WHERE NOT leased AND attempts > 0)::integer AS retrying,
      count(*) FILTER (WHERE leased)::integer AS running,
      min(due) FILTER (WHERE NOT leased AND attempts = 0 AND due <= $2) AS oldest
    FROM (
      SELECT t.due, t.attempts, t.until IS NOT NULL OR (t.token = 0 AND t.seq IN (
        SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.ns = $1
      )) AS leased FROM stem.tasks t WHERE t.ns = $1 AND t.queue = q.queue
    ) AS t
  ) AS t
  WHERE q.ns = $1 ORDER BY q.name`

export function createCounts(desk: Connection, ns: number): Counts {
  const queues = desk.sql(QUEUES)
  const ended = desk.sql(
    "SELECT state, count(*)::integer AS n FROM stem.statuses WHERE ns = $1 GROUP BY state",
  )
  return {
    async queues(now) {
      return (await queues.all<Row>(ns, now))
        .filter((of) => of.paused || of.ready + of.scheduled + of.running + of.retrying + of.dead > 0)
        .map(({ name, oldest, ...counts }) => ({
          queue: name,
          ...counts,
          ...(oldest !== null && { oldestReadyAt: Number(oldest) }),
        }))
    },

    async ended() {
      const counts: Record<EndState, number> = { succeeded: 0, failed: 0, cancelled: 0, expired: 0 }
      for (const { state, n } of await ended.all<{ state: string; n: number }>(ns))
        if (state in counts) counts[state as EndState] = n
      return counts
    },
  }
}
