import type { Broker, Cancelled } from "../../core/contracts/broker.ts"
import type { Endings } from "./endings.ts"
import type { Intake } from "./intake.ts"
import { CANCEL, type TaskRow } from "./rows.ts"
import { soughtIds } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** Between looking at a task and ending it somebody may lease it: then it is looked at again, at most so often. */
const LOOKS = 20

export function createCancel({ work, ns, clock }: Store, intake: Intake, endings: Endings): Broker["cancel"] {
  const waiting = work.sql(
    `SELECT t.*, q.name FROM stem.live t JOIN stem.queues q USING (queue)
     WHERE t.ns = $1 AND t.id = ANY (stem.texts($2)) AND coalesce(t.until, 0) = 0`,
  )
  const mark = work.sql("SELECT * FROM stem.mark_cancel($1, $2, $3::smallint) AS marked (id)")

  return async (ids, { terminate }) => {
    const now = clock.now()
    const answers = new Map<string, Cancelled>()
    let left = [...new Set(ids)]
    for (let look = 0; look < LOOKS && left.length > 0; look++) {
      const asked = await mark.all<{ id: string }>(
        ...([ns, soughtIds(left), terminate ? CANCEL.terminate : CANCEL.abort] as const),
      )
      for (const { id } of asked) answers.set(id, { id, kind: "asked" })
      left = left.filter((id) => !answers.has(id))
      if (left.length === 0) break
      const rows = await waiting.all<TaskRow>(ns, soughtIds(left))
      if (rows.length === 0) {
        const known = await intake.knownStates(left, now)
        for (const id of left) {
          const state = known.get(id)
          // Leased since the first look: the next look marks it.
          if (state === "running" || state === "queued" || state === "scheduled" || state === "retrying")
            continue
          answers.set(id, { id, kind: state ? "ended" : "unknown" })
        }
      } else {
        for (const [id, status] of await endings.cancel(rows, now))
          answers.set(id, { id, kind: "cancelled", status })
      }
      left = left.filter((id) => !answers.has(id))
    }
    const told = new Set<string>()
    return ids.map((id): Cancelled => {
      const answer = answers.get(id) ?? { id, kind: "unknown" }
      const again = told.has(id) && answer.kind === "cancelled"
      told.add(id)
      return again ? { id, kind: "ended" } : answer
    })
  }
}
