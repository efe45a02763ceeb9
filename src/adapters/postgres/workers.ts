import type { Presence, WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

export function createWorkers({ clock, desk, ns }: Store): WorkerRegistry {
  const beat = desk.sql(
    `INSERT INTO stem.workers (ns, id, until, presence) VALUES ($1, $2, $3, $4)
     ON CONFLICT (ns, id) DO UPDATE SET until = excluded.until, presence = excluded.presence`,
  )
  const forget = desk.sql("DELETE FROM stem.workers WHERE ns = $1 AND until <= $2")
  const alive = desk.sql("SELECT presence FROM stem.workers WHERE ns = $1 AND until > $2")
  const leave = desk.sql("DELETE FROM stem.workers WHERE ns = $1 AND id = $2")
  return {
    async beat(presence, ttlMs) {
      const now = clock.now()
      await Promise.all([
        forget.all(ns, now),
        beat.all(ns, presence.id, now + ttlMs, JSON.stringify(presence)),
      ])
    },

    async list() {
      const rows = await alive.all<{ presence: string }>(ns, clock.now())
      return rows
        .map(({ presence }) => JSON.parse(presence) as Presence)
        .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    },

    async leave(id) {
      await leave.all(ns, id)
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
