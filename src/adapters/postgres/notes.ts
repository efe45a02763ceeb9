import type { Notes } from "../../core/contracts/notes.ts"
import { plain, soughtIds, storable } from "./sql-values.ts"
import type { Store } from "./store.ts"

export function createNotes({ work, desk, clock, ns }: Store): Notes {
  const keep = work.sql(
    `WITH held AS (
       SELECT id FROM stem.live WHERE ns = $1 AND id = ANY (stem.texts($2)) AND token = $3 AND coalesce(until, 0) > 0
     ), kept AS (
       INSERT INTO stem.notes (ns, task, name, at, value) SELECT $1::integer, id, $4::text, $5::bigint, $6::text FROM held
       ON CONFLICT DO NOTHING
     )
     SELECT count(*)::integer AS held FROM held`,
  )
  const find = work.sql(
    "SELECT value FROM stem.notes WHERE ns = $1 AND task = ANY (stem.texts($2)) AND name = $3",
  )
  const prune = desk.sql(
    `WITH gone AS (
       DELETE FROM stem.notes n WHERE n.ctid = ANY (ARRAY(
         SELECT o.ctid FROM stem.notes o WHERE o.ns = $1 AND o.at < $2
           AND NOT EXISTS (SELECT FROM stem.tasks t WHERE t.ns = $1 AND t.id = o.task OFFSET 0)
           AND NOT EXISTS (SELECT FROM stem.dead_letters d WHERE d.ns = $1 AND d.id = o.task OFFSET 0)
         ORDER BY o.at LIMIT $3
       )) RETURNING 1)
     SELECT count(*)::integer AS n FROM gone`,
  )

  return {
    async remember({ id, token }, name, value) {
      const text = JSON.stringify(value) ?? "null"
      const row = await keep.one<{ held: number }>(
        ns,
        soughtIds([id]),
        token,
        nameText(name),
        clock.now(),
        text,
      )
      return row?.held ? "settled" : "stale"
    },

    async recall(id, name) {
      const row = await find.one<{ value: string }>(ns, soughtIds([id]), nameText(name))
      return row && { value: JSON.parse(row.value) as unknown }
    },

    prune: async (before, max) => (await prune.one<{ n: number }>(ns, before, max))?.n ?? 0,
  }
}

const nameText = (name: string) => plain(storable(name))
