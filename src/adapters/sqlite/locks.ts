import type { LockStore } from "../../core/contracts/locks.ts"
import type { Store } from "./store.ts"

export function createLocks({ commit, clock, connection, ns }: Store): LockStore {
  const { sql, patiently } = connection
  const taken = sql("SELECT 1 FROM locks WHERE ns = ?1 AND name = ?2 AND until > ?3")
  const acquire = sql(
    `INSERT INTO locks (ns, name, token, until) VALUES (?1, ?2, 1, ?3)
     ON CONFLICT (ns, name) DO UPDATE SET token = token + 1, until = ?3 WHERE until <= ?4 RETURNING token`,
  )
  const change = sql("UPDATE locks SET until = ?4 WHERE ns = ?1 AND name = ?2 AND token = ?3 AND until > ?5")
  return {
    async acquire(name, holder, ms) {
      // Most who ask find it taken: they only read.
      if (await patiently(() => taken.one(ns, name, clock.now()))) return undefined
      return commit.write(() => {
        const now = clock.now()
        const row = acquire.one<{ token: number }>(ns, name, now + ms, now)
        return row && { id: name, holder, token: row.token, expiresAt: now + ms }
      })
    },

    renew: ({ id, token }, ms) =>
      commit.write(() => change.run(ns, id, token, clock.now() + ms, clock.now()) === 1),

    release: ({ id, token }) => commit.write(() => change.run(ns, id, token, 0, clock.now()) === 1),
  }
}
