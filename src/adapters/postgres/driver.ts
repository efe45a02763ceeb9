import type { Driver, DriverOptions, MigrateOptions, Migration } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { machineClock } from "../machine-clock.ts"
import { createBell } from "./bell.ts"
import { createBroker } from "./broker.ts"
import { createCalls } from "./calls.ts"
import { checkup } from "./checkup.ts"
import type { Client } from "./client.ts"
import { type Connection, createConnection } from "./connection.ts"
import { createEndings } from "./endings.ts"
import { createEvents } from "./events.ts"
import { codeOf } from "./failures.ts"
import { createGiveBack } from "./give-back.ts"
import { createGroups } from "./groups.ts"
import { createInspector } from "./inspector.ts"
import { createIntake } from "./intake.ts"
import { createLimits } from "./limits.ts"
import { withoutSecret } from "./location.ts"
import { createLocks } from "./locks.ts"
import { createNotes } from "./notes.ts"
import { createQueues, type Queues } from "./queues.ts"
import { createResults } from "./results.ts"
import { createSchedules } from "./schedules.ts"
import { applyMigration, pendingMigration, VERSION } from "./schema.ts"
import { quoted } from "./sql-values.ts"
import type { Store } from "./store.ts"
import { createWorkers } from "./workers.ts"

/**
 * Opens a namespace of the schema that the URL names, making and migrating it where needed. Four connections at
 * most, each made when it is first needed: for work, for taking it, for the desk, and one that listens.
 */
export async function open(url: string, options: DriverOptions): Promise<Driver> {
  const { namespace, clock } = options
  let queues: Queues | undefined
  // A line that is cut is cut for all of them: what one has learnt the others need not wait for.
  const silent = (since: Millis) => {
    for (const one of [work, hand, desk, ear]) one.leaveIfSilent(since)
  }
  const work = createConnection(url, options, () => queues?.forget(), silent)
  const hand = createConnection(url, options, undefined, silent)
  const desk = createConnection(url, options, undefined, silent)
  const ear = createConnection(url, options, undefined, silent)
  try {
    const ns = await work.use((client) => enter(client, work, namespace), MIGRATE_MS)
    queues = createQueues(work, ns)
    const bell = createBell(ear, work, clock, ns)
    const calls = createCalls()
    let closing: Promise<void> | undefined
    const store: Store = {
      ...{ work, hand, desk, bell, clock, ns, queues },
      get closed() {
        return closing !== undefined
      },
    }
    const intake = createIntake(store)
    const endings = createEndings(store)
    const inspector = createInspector(store, endings)
    const workers = calls.counted(createWorkers(store))
    const giveBack = createGiveBack(url, options)
    const close = async () => {
      await giveBack.close()
      await calls.over(bell.ringAll)
      await bell.close()
      await Promise.all([work.close(), hand.close(), desk.close()])
    }
    return {
      url: withoutSecret(url),
      capabilities: {
        store: "postgres",
        durability: "every commit is on the server's disk, as its synchronous_commit says",
        shared: true,
        remote: true,
      },
      broker: calls.counted(createBroker(store, intake, endings)),
      results: calls.counted(createResults(store)),
      inspector: { ...calls.counted(inspector), deadLetters: calls.counted(inspector.deadLetters) },
      workers,
      schedules: calls.counted(createSchedules(store)),
      groups: calls.counted(createGroups(store)),
      notes: calls.counted(createNotes(store)),
      events: calls.counted(createEvents(store)),
      limits: calls.counted(createLimits(store)),
      locks: calls.counted(createLocks(store)),
      async ping() {
        const time = "SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now"
        const ask = (one: Connection) => one.use((client) => client.query<{ now: string }>(time, []))
        // A connection that nobody has needed yet is not made for this: a command would pay for two.
        const [[first]] = await Promise.all([ask(work), desk.needed && ask(desk), bell.settled()])
        return Number(first?.now)
      },
      giveBack,
      checkup: () => checkup(store),
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await Promise.all([work.close(), hand.close(), desk.close(), ear.close()])
    throw error
  }
}

/** Opening migrates; this tells what opening would do, or does it now. */
export async function migrate(url: string, { dryRun, ...reach }: MigrateOptions): Promise<Migration> {
  const work = createConnection(url, { namespace: "", clock: machineClock, ...reach })
  const step = dryRun ? pendingMigration : applyMigration
  try {
    return await work.use((client) => step(client, work.schema, work.where), MIGRATE_MS)
  } finally {
    await work.close()
  }
}

/** Others may be migrating. */
const MIGRATE_MS = 60_000

/**
 * The namespace's number; the schema and the namespace are made where they are missing. What is there already, which is
 * nearly always so, is found by one question without parameters: it takes one way to the server and back.
 */
async function enter(client: Client, { schema, where }: Connection, namespace: string): Promise<number> {
  const find = `SELECT (SELECT max(version) FROM ${schema}.migrations) AS version,
    (SELECT ns FROM ${schema}.namespaces WHERE name = ${quoted(namespace)}) AS ns`
  const look = async () => (await client.query<{ version: number | null; ns: number | null }>(find, []))[0]
  let found = await look().catch((error) => {
    if (MISSING.has(codeOf(error))) return undefined
    throw error
  })
  if (found?.version !== VERSION) {
    await applyMigration(client, schema, where)
    found = await look()
  }
  if (typeof found?.ns === "number") return found.ns
  await client.query(`INSERT INTO ${schema}.namespaces (name) VALUES ($1) ON CONFLICT DO NOTHING`, [
    namespace,
  ])
  return (await look())?.ns as number
}

/** What a server says of a table, or a schema, that is not there. */
const MISSING: ReadonlySet<string> = new Set(["42P01", "3F000"])
