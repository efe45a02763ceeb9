import type { Presence, WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

export function createWorkers({ commit, clock, connection, ns }: Store): WorkerRegistry {
  const { sql, patiently } = connection
  const beat = sql("INSERT OR REPLACE INTO workers (ns, id, until, presence) VALUES (?1, ?2, ?3, ?4)")
  const alive = sql("SELECT presence FROM workers WHERE ns = ?1 AND until > ?2")
  const forget = sql("DELETE FROM workers WHERE ns = ?1 AND until <= ?2")
  const leave = sql("DELETE FROM workers WHERE ns = ?1 AND id = ?2")
  return {
    beat(presence, ttlMs) {
      const text = JSON.stringify(presence)
      return commit.write(() => {
        const now = clock.now()
        forget.run(ns, now)
        beat.run(ns, presence.id, now + ttlMs, text)
      })
    },

    list: () =>
      patiently(() =>
        alive
          .all<{ presence: string }>(ns, clock.now())
          .map((row) => JSON.parse(row.presence) as Presence)
          .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
      ),

    leave: (id) => commit.write(() => void leave.run(ns, id)),
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
