import type { LockStore } from "../../core/contracts/locks.ts"
import type { Store } from "./store.ts"

export function createLocks(store: Store): LockStore {
  const change = (name: string, token: number | "", ms: number) => {
    const now = store.clock.now()
    const until = now + Math.round(ms)
    return store.run<number>("lock", [String(now), name, String(until), String(token)])
  }
  return {
    async acquire(name, holder, ms) {
      const expiresAt = store.clock.now() + Math.round(ms)
      const token = await change(name, "", ms)
      return token === 0 ? undefined : { id: name, holder, token, expiresAt }
    },
    renew: async ({ id, token }, ms) => (await change(id, token, ms)) !== 0,
    release: async ({ id, token }) => (await change(id, token, 0)) !== 0,
  }
}
