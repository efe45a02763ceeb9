import type { Inspector } from "../../core/contracts/inspector.ts"
import { createCounts } from "./counts.ts"
import { createDeadLetters } from "./dead-letters.ts"
import type { Endings } from "./endings.ts"
import { createForgetKeys } from "./keys.ts"
import { createListing } from "./listing.ts"
import { liveTask, type TaskRow } from "./rows.ts"
import { soughtIds } from "./sql-values.ts"
import type { Store } from "./store.ts"

export function createInspector(store: Store, endings: Endings): Inspector {
  const { desk, work, clock, ns, queues, bell } = store
  const counts = createCounts(desk, ns)
  const listing = createListing(desk, ns)
  const byId = desk.sql("SELECT * FROM stem.live WHERE ns = $1 AND id = ANY (stem.texts($2))")
  const waiting = work.sql(
    (["NULL", "NOT NULL"] as const)
      .map(
        (
          fair,
        ) => `SELECT * FROM (SELECT * FROM stem.tasks WHERE queue = $1 AND until IS NULL AND fair IS ${fair}
          AND seq <= $3 AND (token > 0 OR seq NOT IN (
            SELECT unnest(r.seqs) FROM stem.reservations r WHERE r.queue = $1
          )) ORDER BY seq LIMIT $2) AS ${fair === "NULL" ? "plain" : "fair"}`,
      )
      .join(" UNION ALL ")
      .concat(" ORDER BY seq LIMIT $2"),
  )
  const latest = work.sql("SELECT last_value AS seq FROM stem.tasks_seq_seq")
  const ring = work.sql("SELECT stem.ring($1, 0)")

  return {
    queues: () => counts.queues(clock.now()),
    ended: () => counts.ended(),

    async find(ids) {
      if (ids.length === 0) return []
      const now = clock.now()
      const rows = await byId.all<TaskRow>(ns, soughtIds(ids))
      const tasks = new Map(rows.map((row) => [row.id, liveTask(row, now)]))
      return ids.map((id) => tasks.get(id))
    },

    list: (filter) => listing(filter, clock.now()),

    pause: (queue) => queues.setPaused(queue, true),

    forgetKeys: createForgetKeys(store),

    async resume(queue) {
      const changed = await queues.setPaused(queue, false)
      await ring.all(ns)
      bell.ring("work")
      return changed
    },

    async purge(name, max) {
      const [queue] = await queues.known([name])
      if (queue === undefined) return 0
      // What groups send for want of what is purged stays.
      const last = (await latest.one<{ seq: string }>())?.seq ?? "0"
      let purged = 0
      while (purged < max) {
        const rows = await waiting.all<TaskRow>(queue, Math.min(max - purged, BATCH), last)
        const ended = await endings.cancel(rows, clock.now())
        purged += ended.size
        if (ended.size === 0) break
      }
      bell.ring("ended")
      bell.ring("work")
      return purged
    },

    deadLetters: createDeadLetters(store),
  }
}

/** So many are ended by one statement. */
const BATCH = 1000
