import type { Broker } from "../../core/contracts/broker.ts"
import { soughtIds } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** Makes waiting tasks due now, and wakes those who sleep. */
export function createHasten({ work, bell, clock, ns }: Store): Broker["hasten"] {
  const hasten = work.sql("SELECT * FROM stem.hasten($1, $2, $3) AS hastened (id)")
  return async (ids) => {
    if (ids.length === 0) return []
    const rows = await hasten.all<{ id: string }>(ns, soughtIds(ids), clock.now())
    const hastened = new Set(rows.map(({ id }) => id))
    if (hastened.size > 0) bell.ring("work")
    return ids.filter((id) => hastened.delete(id))
  }
}
