import type { WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { copy, type Store } from "./store.ts"

export function createWorkers({ workers }: Store, clock: Clock): WorkerRegistry {
  return {
    async beat(presence, ttlMs) {
      workers.set(presence.id, { presence: copy(presence), until: clock.now() + ttlMs })
    },

    async list() {
      const now = clock.now()
      for (const [id, { until }] of workers) if (until <= now) workers.delete(id)
      return [...workers.values()]
        .map(({ presence }) => presence)
        .sort((a, b) => (a.name === b.name ? compare(a.id, b.id) : compare(a.name, b.name)))
    },

    async leave(id) {
      workers.delete(id)
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
