import type { Inspector } from "../../core/contracts/inspector.ts"
import { createCounts } from "./counts.ts"
import { createDeadLetters } from "./dead-letters.ts"
import type { Endings } from "./endings.ts"
import type { Keys } from "./keys.ts"
import type { Lines } from "./lines.ts"
import { createListing } from "./listing.ts"
import { liveTask, TASK_COLUMNS, type TaskRow } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

export function createInspector(
  store: Store,
  parts: { statuses: Statuses; endings: Endings; keys: Keys; lines: Lines },
): Inspector {
  const { endings, keys, lines } = parts
  const { commit, clock, connection, ns, queues } = store
  const { sql, patiently } = connection
  const counts = createCounts(store)
  const listing = createListing(store)
  const byId = sql(`SELECT ${TASK_COLUMNS} FROM tasks WHERE ns = ?1 AND id = ?2`)
  const waiting = sql("SELECT seq FROM tasks WHERE queue = ?1 AND until IS NULL ORDER BY seq LIMIT ?2")

  return {
    queues: () => patiently(() => counts.queues(clock.now())),
    ended: () => patiently(() => counts.ended()),

    find: (ids) =>
      patiently(() => {
        const now = clock.now()
        return ids.map((id) => {
          const row = byId.one<TaskRow>(ns, id)
          return row && liveTask(row, now)
        })
      }),

    list: (filter) => patiently(() => listing(filter, clock.now())),

    pause: (queue) => commit.write(() => queues.setPaused(queue, true)),
    resume: (queue) => commit.write(() => queues.setPaused(queue, false)),

    purge: (name, max) =>
      commit.write(() => {
        const queue = queues.find(name)
        if (queue === undefined) return 0
        const rows = waiting.all<Pick<TaskRow, "seq">>(queue, max)
        for (const { seq } of rows) endings.cancel(seq, clock.now())
        return rows.length
      }),

    async forgetKeys(max) {
      // The same round of upkeep takes away lines that nobody stands in any more.
      if (await patiently(() => lines.areUnused())) await commit.write(() => lines.tidy())
      return keys.forget(max)
    },

    deadLetters: createDeadLetters(store, parts),
  }
}
