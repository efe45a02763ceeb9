import type { LockStore } from "../../core/contracts/locks.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { Store } from "./store.ts"

export function createLocks({ locks }: Store, clock: Clock): LockStore {
  const held = (name: string, token: number) => {
    const lock = locks.get(name)
    return lock && lock.token === token && lock.until > clock.now() ? lock : undefined
  }

  return {
    async acquire(name, holder, ms) {
      const known = locks.get(name)
      if (known && known.until > clock.now()) return undefined
      const lock = { token: (known?.token ?? 0) + 1, until: clock.now() + ms }
      locks.set(name, lock)
      return { id: name, holder, token: lock.token, expiresAt: lock.until }
    },

    async renew({ id, token }, ms) {
      const lock = held(id, token)
      if (lock) lock.until = clock.now() + ms
      return lock !== undefined
    },

    async release({ id, token }) {
      const lock = held(id, token)
      if (lock) lock.until = 0
      return lock !== undefined
    },
  }
}
