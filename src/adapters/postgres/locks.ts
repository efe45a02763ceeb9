import type { LockStore } from "../../core/contracts/locks.ts"
import type { Store } from "./store.ts"

export function createLocks({ desk, clock, ns }: Store): LockStore {
  const acquire = desk.sql(
    `INSERT INTO stem.locks AS l (ns, name, token, until) VALUES ($1, $2, 1, $3)
     ON CONFLICT (ns, name) DO UPDATE SET token = l.token + 1, until = excluded.until WHERE l.until <= $4
     RETURNING token`,
  )
  const change = desk.sql(
    `UPDATE stem.locks SET until = $4 WHERE ns = $1 AND name = $2 AND token = $3 AND until > $5 RETURNING token`,
  )
  return {
    async acquire(name, holder, ms) {
      const now = clock.now()
      const expiresAt = now + Math.round(ms)
      const row = await acquire.one<{ token: number }>(ns, name, expiresAt, now)
      return row && { id: name, holder, token: row.token, expiresAt }
    },

    renew: async ({ id, token }, ms) =>
      (await change.one(ns, id, token, clock.now() + Math.round(ms), clock.now())) !== undefined,

    release: async ({ id, token }) => (await change.one(ns, id, token, 0, clock.now())) !== undefined,
  }
}
