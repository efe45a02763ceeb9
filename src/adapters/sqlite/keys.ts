import type { Millis } from "../../core/kit/clock.ts"
import type { Unique } from "../../core/task/envelope.ts"
import type { Store } from "./store.ts"

/** Unique keys and who has them. Everything but `forget` is for inside a transaction only. */
export interface Keys {
  /** Who has a key; undefined when nobody ever had it, or it was set free. */
  find(key: string): KeyRow | undefined
  give(unique: Unique, id: string, now: Millis): void
  /** The end of a task sets its key free, if it still has it and it is not held for a while. */
  setFree(key: string, id: string): void
  /** Forgets keys that nobody has any more, at most `max`; answers how many. */
  forget(max: number): Promise<number>
}

/** A key, with the task that has it if that one waits or runs: without, `seq` is null. */
export interface KeyRow {
  readonly task: string
  readonly until: Millis | null
  readonly seq: number | null
  readonly due: Millis
  readonly attempts: number
  readonly leased: Millis | null
}

/** Keys that are looked at in one go, and in one call. Those of a million that live are not all looked at each time. */
const SLICE = 1000
const LOOKS = 20

export function createKeys({ connection, commit, clock, ns }: Store): Keys {
  const { sql, patiently } = connection
  const find = sql(
    `SELECT k.task, k.until, t.seq, t.due, t.attempts, t.until AS leased FROM unique_keys AS k
       LEFT JOIN tasks AS t ON t.ns = k.ns AND t.id = k.task WHERE k.ns = ?1 AND k.key = ?2`,
  )
  const give = sql(
    `INSERT INTO unique_keys (ns, key, task, until) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (ns, key) DO UPDATE SET task = excluded.task, until = excluded.until`,
  )
  const setFree = sql("DELETE FROM unique_keys WHERE ns = ?1 AND key = ?2 AND task = ?3 AND until IS NULL")
  const isFree = (now: string) =>
    `coalesce(until, 0) <= ${now} AND NOT EXISTS (
       SELECT 1 FROM tasks WHERE tasks.ns = unique_keys.ns AND tasks.id = unique_keys.task)`
  const slice = sql(
    `SELECT key, ${isFree("?3")} AS free FROM unique_keys WHERE ns = ?1 AND key > ?2 ORDER BY key LIMIT ${SLICE}`,
  )
  const remove = sql(`DELETE FROM unique_keys WHERE ns = ?1 AND key = ?2 AND ${isFree("?3")}`)
  /** How far the last call has looked, if it did not come to the end. */
  let looked = ""

  return {
    find: (key) => find.one<KeyRow>(ns, key),
    give: ({ key, forMs }, id, now) => void give.run(ns, key, id, forMs === undefined ? null : now + forMs),
    setFree: (key, id) => void setFree.run(ns, key, id),

    async forget(max) {
      const free: string[] = []
      for (let looks = 0; looks < LOOKS && free.length < max; looks++) {
        const rows = await patiently(() => slice.all<{ key: string; free: number }>(ns, looked, clock.now()))
        for (const row of rows) if (row.free) free.push(row.key)
        looked = rows.length < SLICE ? "" : (rows.at(-1)?.key ?? "")
        if (looked === "") break
      }
      const found = free.slice(0, max)
      if (free.length > max) looked = found.at(-1) ?? looked
      if (found.length === 0) return 0
      return commit.write(() => {
        const now = clock.now()
        return found.filter((key) => remove.run(ns, key, now) === 1).length
      })
    },
  }
}
