import { Database } from "bun:sqlite"
import { existsSync } from "node:fs"
import type { Driver, DriverOptions, Migration } from "../../core/contracts/driver.ts"
import { createBell } from "./bell.ts"
import { createBroker } from "./broker.ts"
import { createChains } from "./chains.ts"
import { checkup } from "./checkup.ts"
import { createCommit } from "./commit.ts"
import { type Connection, connect } from "./connection.ts"
import { createEndings } from "./endings.ts"
import { createEvents } from "./events.ts"
import { storeTrouble } from "./failures.ts"
import { createGiveBack } from "./give-back.ts"
import { createGroups } from "./groups.ts"
import { createInspector } from "./inspector.ts"
import { createIntake } from "./intake.ts"
import { createJoins } from "./joins.ts"
import { createKeys } from "./keys.ts"
import { createLimits } from "./limits.ts"
import { createLines } from "./lines.ts"
import { pathOf, requireFolder } from "./location.ts"
import { createLocks } from "./locks.ts"
import { createNotes } from "./notes.ts"
import { createQueues } from "./queues.ts"
import { createResults } from "./results.ts"
import { createSchedules } from "./schedules.ts"
import { pendingMigration } from "./schema.ts"
import { createStatuses } from "./statuses.ts"
import type { Store } from "./store.ts"
import { createWorkers } from "./workers.ts"

/** Opens the file of `sqlite:PATH`; its folder must exist. */
export async function open(url: string, { namespace, clock }: DriverOptions): Promise<Driver> {
  const connection = await connect(pathOf(url))
  try {
    const ns = await namespaceNumber(connection, namespace)
    const queues = createQueues(connection, ns)
    const bell = createBell(connection, clock)
    const commit = createCommit(connection, clock, {
      ending: () => joins.flush(),
      committed() {
        joins.forget()
        lines.forget()
        bell.ring()
      },
      rolledBack() {
        joins.forget()
        lines.forget()
        queues.forget()
      },
    })
    let closing: Promise<void> | undefined
    const store: Store = {
      connection,
      commit,
      bell,
      clock,
      ns,
      queues,
      get closed() {
        return closing !== undefined
      },
    }
    const statuses = createStatuses(connection, ns)
    const keys = createKeys(store)
    const lines = createLines(store)
    const chains = createChains(store)
    const intake = createIntake(store, { statuses, keys, lines, chains })
    const joins = createJoins(store, intake)
    const endings = createEndings(store, { statuses, keys, joins })
    const inspector = createInspector(store, { statuses, endings, keys, lines })
    const workers = createWorkers(store)
    return {
      url,
      capabilities: {
        store: "sqlite",
        durability: "every commit is on the disk (WAL, synchronous=FULL)",
        shared: true,
        remote: false,
      },
      broker: createBroker(store, { statuses, keys, lines, chains, intake, joins, endings }),
      results: createResults(store, statuses),
      inspector,
      workers,
      schedules: createSchedules(store, intake),
      events: createEvents(store),
      groups: createGroups(store, joins),
      notes: createNotes(store),
      limits: createLimits(store),
      locks: createLocks(store),
      async ping() {
        await inspector.find(["ping"])
        return undefined
      },
      giveBack: createGiveBack(store),
      checkup: () => checkup(store),
      close() {
        closing ??= commit.close().then(() => {
          bell.close()
          connection.close()
        })
        return closing
      },
    }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Opening migrates; this tells what opening would do, or does it now. */
export async function migrate(url: string, { dryRun }: { dryRun: boolean }): Promise<Migration> {
  const path = pathOf(url)
  if (!dryRun) {
    const connection = await connect(path)
    connection.close()
    return connection.migration
  }
  requireFolder(path)
  const db = existsSync(path) ? new Database(path, { readonly: true }) : new Database(":memory:")
  try {
    return pendingMigration(db, path)
  } catch (error) {
    throw storeTrouble(error, path) ?? error
  } finally {
    db.close()
  }
}

async function namespaceNumber({ sql, patiently }: Connection, name: string): Promise<number> {
  const find = sql("SELECT ns FROM namespaces WHERE name = ?1")
  const insert = sql("INSERT INTO namespaces (name) VALUES (?1) ON CONFLICT DO NOTHING")
  return patiently(() => {
    if (!find.one(name)) insert.run(name)
    return (find.one<{ ns: number }>(name) as { ns: number }).ns
  })
}
