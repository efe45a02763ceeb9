import type { Broker } from "../../core/contracts/broker.ts"
import { soughtIds } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** Makes waiting tasks due now, and wakes those who sleep. */
export function createHasten({ work, bell, clock, ns }: Store): Broker["hasten"] {
  const hasten = work.sql(
    `WITH hastened AS (
       UPDATE stem.tasks SET due = $3
       WHERE ns = $1 AND id = ANY (stem.texts($2)) AND coalesce(until, 0) = 0 AND due > $3 RETURNING id, queue, rank, fair, due
     ), told AS (
       INSERT INTO stem.fair_news (queue, rank, key, due) SELECT queue, rank, fair, due FROM hastened WHERE fair IS NOT NULL
     ) SELECT id, stem.ring($1, 0)::text FROM hastened`,
  )
  return async (ids) => {
    if (ids.length === 0) return []
    const rows = await hasten.all<{ id: string }>(ns, soughtIds(ids), clock.now())
    const hastened = new Set(rows.map(({ id }) => id))
    if (hastened.size > 0) bell.ring("work")
    return ids.filter((id) => hastened.delete(id))
  }
}
