import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { StatusFilter } from "../../core/contracts/results.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Connection } from "./connection.ts"
import { liveTask, type TaskRow } from "./rows.ts"
import { texts } from "./sql-values.ts"

/** Live tasks, the earliest due first. */
export type Listing = (filter: StatusFilter, now: Millis) => Promise<readonly LiveTask[]>

const LEASED = `(t.until IS NOT NULL OR (t.token = 0 AND t.seq IN (
  SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.ns = $1)))`

const STATE = `CASE WHEN ${LEASED} THEN 'running' WHEN t.attempts > 0 THEN 'retrying'
  WHEN t.due > $7 THEN 'scheduled' ELSE 'queued' END`

const FITTING = `t.due >= $2 AND t.due < $3 AND ($5::text IS NULL OR t.task = $5)
  AND ($6::text IS NULL OR ${STATE} = ANY (stem.texts($6)))`

/** Of each queue and rank as many as are asked for, in the order of the index, merged with those that run longer. */
const LIST = `SELECT l.* FROM (SELECT t.ns, t.id FROM (
  SELECT t.* FROM stem.queues q CROSS JOIN generate_series(0, 9) AS r (rank) CROSS JOIN LATERAL (
    ${(["NULL", "NOT NULL"] as const)
      .map(
        (fair) => `(SELECT t.* FROM stem.tasks t
    WHERE t.queue = q.queue AND t.rank = r.rank AND t.until IS NULL AND t.fair IS ${fair} AND ${FITTING}
    ORDER BY t.due, t.seq LIMIT $8)`,
      )
      .join(" UNION ALL ")}
  ) AS t
  WHERE q.ns = $1 AND ($4::text IS NULL OR q.name = $4)
  UNION ALL
  SELECT t.* FROM stem.queues q JOIN stem.tasks t ON t.queue = q.queue AND t.until IS NOT NULL
  WHERE q.ns = $1 AND ($4::text IS NULL OR q.name = $4) AND ${FITTING}
) AS t ORDER BY t.due, t.seq LIMIT $8) AS f JOIN stem.live l ON l.ns = f.ns AND l.id = f.id ORDER BY l.due, l.seq`

export function createListing(desk: Connection, ns: number): Listing {
  const list = desk.sql(LIST)
  return async ({ states, task, queue, since, until, limit }, now) => {
    if (states?.length === 0) return []
    const rows = await list.all<TaskRow>(
      ...([ns, since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER, queue ?? null] as const),
      ...([task ?? null, states ? texts(states) : null, now, limit] as const),
    )
    return rows.flatMap((row) => liveTask(row, now) ?? [])
  }
}
