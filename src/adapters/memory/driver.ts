import type { Driver, DriverOptions, Migration } from "../../core/contracts/driver.ts"
import { createBroker } from "./broker.ts"
import { createEvents } from "./events.ts"
import { createGroups } from "./groups.ts"
import { createInspector } from "./inspector.ts"
import { createLimits } from "./limits.ts"
import { createLocks } from "./locks.ts"
import { createNotes } from "./notes.ts"
import { createResults } from "./results.ts"
import { createSchedules } from "./schedules.ts"
import { createStore, type Store } from "./store.ts"
import { createWorkers } from "./workers.ts"

const stores = new Map<string, Store>()

/**
 * Opens the store of this process: `memory:`, or one of several by name, `memory:NAME`. It lives as long as the
 * process, however often it is opened and closed.
 */
export async function open(url: string, { namespace, clock }: DriverOptions): Promise<Driver> {
  const key = JSON.stringify([url, namespace])
  const store = stores.get(key) ?? createStore()
  stores.set(key, store)
  const closing = new AbortController()

  return {
    url,
    capabilities: { store: "memory", durability: "nothing", shared: false, remote: false },
    broker: createBroker(store, clock, closing.signal),
    results: createResults(store, clock, closing.signal),
    inspector: createInspector(store, clock),
    workers: createWorkers(store, clock, closing.signal),
    schedules: createSchedules(store, clock, closing.signal),
    events: createEvents(store, clock, closing.signal),
    groups: createGroups(store, clock),
    notes: createNotes(store, clock),
    limits: createLimits(store, clock),
    locks: createLocks(store, clock),
    ping: async () => undefined,
    async checkup() {
      return [
        {
          level: "warning",
          subject: "durability",
          message: "tasks are kept in the memory of this process and end with it",
          fix: "Use sqlite:PATH for tasks that must not be lost.",
        },
      ]
    },
    async close() {
      closing.abort()
    },
  }
}

/** There is nothing to migrate. */
export const migrate = async (): Promise<Migration> => ({ from: 1, to: 1, statements: [] })
