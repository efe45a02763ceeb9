import type { Driver, DriverOptions, MigrateOptions, Migration } from "../../core/contracts/driver.ts"
import { createBell } from "./bell.ts"
import { createBroker } from "./broker.ts"
import { createCancel } from "./cancel.ts"
import { checkup } from "./checkup.ts"
import { type Client, createConnection } from "./connection.ts"
import { createEvents } from "./events.ts"
import { createGroups } from "./groups.ts"
import { createInspector } from "./inspector.ts"
import { createLimits } from "./limits.ts"
import { createLocks } from "./locks.ts"
import { createNotes } from "./notes.ts"
import { createResults } from "./results.ts"
import { createSchedules } from "./schedules.ts"
import { greet, pendingMigration } from "./schema.ts"
import { createStore } from "./store.ts"
import { createWorkers } from "./workers.ts"

/** Connects to the server, Sentinels or cluster of the URL. */
export async function open(url: string, options: DriverOptions): Promise<Driver> {
  const { namespace, clock } = options
  // One hash tag for all keys of a namespace, so that a script finds them all on one node of a cluster.
  const prefix = `stem:{${namespace}}:`
  const closing = new AbortController()
  const link = createConnection(url, options, (client: Client) => greet(client, prefix, link.where))
  const bell = createBell(link, `${prefix}wake`, clock)
  const store = createStore({ link, bell, clock, prefix, closing: closing.signal })
  const cancel = createCancel(store)
  const inspector = createInspector(store, cancel)
  const workers = createWorkers(store)
  let closed: Promise<void> | undefined

  const driver: Driver = {
    url: link.where,
    capabilities: {
      store: "redis",
      durability: "what the server's appendonly and appendfsync keep",
      shared: true,
      remote: true,
    },
    broker: createBroker(store, cancel),
    results: createResults(store),
    inspector,
    workers,
    schedules: createSchedules(store),
    groups: createGroups(store),
    notes: createNotes(store),
    events: createEvents(store),
    limits: createLimits(store),
    locks: createLocks(store),
    ping: store.time,
    checkup: () => checkup(store, inspector, workers),
    close() {
      closed ??= (async () => {
        // What was asked for within this turn is still gathering.
        await new Promise((resolve) => setImmediate(resolve))
        closing.abort()
        bell.close()
        await store.idle()
        await link.close()
      })()
      return closed
    },
  }
  try {
    await store.use(async () => {})
  } catch (error) {
    await driver.close()
    throw error
  }
  return driver
}

/** Opening brings a namespace up to date by itself; this looks whether there is one that this Stem must not touch. */
export async function migrate(url: string, reach?: MigrateOptions): Promise<Migration> {
  const link = createConnection(url, { namespace: "", ...reach }, async () => {})
  try {
    return await link.use((client) => pendingMigration(client, link.where))
  } finally {
    await link.close()
  }
}
