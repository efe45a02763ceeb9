import type { Broker } from "../../core/contracts/broker.ts"
import type { Lines } from "./lines.ts"
import type { Store } from "./store.ts"

/** Makes waiting tasks due now. The ring that follows a commit wakes those who sleep. */
export function createHasten(
  { commit, clock, connection: { sql }, ns }: Store,
  lines: Lines,
): Broker["hasten"] {
  const hasten = sql("UPDATE tasks SET due = ?3 WHERE ns = ?1 AND id = ?2 AND until IS NULL AND due > ?3")
  return (ids) =>
    commit.write(() => {
      const now = clock.now()
      return ids.filter((id) => {
        const hastened = hasten.run(ns, id, now) === 1
        if (hastened) lines.movedBy(id)
        return hastened
      })
    })
}
