import type { Presence, WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

export function createWorkers(store: Store): WorkerRegistry {
  const { clock, prefix } = store
  return {
    async beat(presence, ttlMs) {
      const now = clock.now()
      await store.run("beat", [
        String(now),
        presence.id,
        String(now + Math.round(ttlMs)),
        JSON.stringify(presence),
      ])
    },

    async list() {
      const alive = `(${clock.now()}`
      const texts = await store.use(async (client) => {
        const ids = await client.zrange(`${prefix}workers:until`, alive, "+inf", "BYSCORE")
        return ids.length === 0 ? [] : client.hmget(`${prefix}workers`, ...ids)
      })
      return texts
        .flatMap((text) => (text === null ? [] : [JSON.parse(text) as Presence]))
        .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    },

    async leave(id) {
      await store.run("beat", [String(clock.now()), id])
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
