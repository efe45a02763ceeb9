/**
 * The composition root: configuration in, connected parts out. The only file that sees every room. What is large
 * is imported when it is called for, so that `stem enqueue` does not load what only a worker needs.
 */
import manifest from "../package.json" with { type: "json" }
import { adapterFor, openDriver } from "./adapters/index.ts"
import { type Client, createClient } from "./core/client/client.ts"
import type { Config } from "./core/config/config.ts"
import type { Broker } from "./core/contracts/broker.ts"
import type { Capabilities, Driver, Migration } from "./core/contracts/driver.ts"
import type { Inspector } from "./core/contracts/inspector.ts"
import type { ResultBackend } from "./core/contracts/results.ts"
import type { WorkerRegistry } from "./core/contracts/workers.ts"
import type { Clock } from "./core/kit/clock.ts"
import { StemError } from "./core/kit/errors.ts"
import type { Listener } from "./core/observe/events.ts"
import { defineTask, retryAfter } from "./core/task/define.ts"
import type { RunningWorker } from "./core/worker/worker.ts"
import { systemClock } from "./runtime/clock.ts"
import { makeStateFolder, stateFolder } from "./runtime/paths.ts"

export { configFolder, makeStateFolder } from "./runtime/paths.ts"
export { listenForSignals } from "./runtime/signals.ts"

/** The store of a person who named none. */
export const defaultStatePath = (): string => `${stateFolder()}/stem.db`

/** Open stores, as one: where broker and results are two, their differences are bridged already. */
export interface Stores {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly results: ResultBackend
  readonly workers: WorkerRegistry
  /** Each store once, for questions about the stores themselves. */
  readonly drivers: readonly Driver[]
  /** What the broker's store can do. */
  readonly capabilities: Capabilities
  readonly clock: Clock
  close(): Promise<void>
}

/** Opens what the configuration names. Throws `unavailable` or `invalid`; then nothing is left open. */
export async function openStores(
  config: { broker: string; results?: string; namespace: string },
  clock: Clock = systemClock,
): Promise<Stores> {
  const open = (url: string) => {
    if (url === `sqlite:${defaultStatePath()}`) makeStateFolder()
    return openDriver(url, { namespace: config.namespace, clock })
  }
  const driver = await open(config.broker)
  const { broker, inspector, results, workers, capabilities } = driver
  if (config.results === undefined || config.results === config.broker)
    return {
      ...{ broker, inspector, results, workers, capabilities, clock, drivers: [driver] },
      close: () => driver.close(),
    }

  try {
    const [elsewhere, { splitBroker, splitInspector }] = await Promise.all([
      open(config.results),
      import("./core/client/split.ts"),
    ])
    return {
      broker: splitBroker(broker, elsewhere.results),
      inspector: splitInspector(inspector, elsewhere.inspector.ended, elsewhere.results, clock),
      results: elsewhere.results,
      ...{ workers, capabilities, clock, drivers: [driver, elsewhere] },
      async close() {
        await Promise.all([driver.close(), elsewhere.close()])
      },
    }
  } catch (error) {
    await driver.close()
    throw error
  }
}

/** The client of open stores. */
export const clientOf = (stores: Stores): Client => createClient(stores)

/** Brings a store's schema up to date, or tells what that would do. */
export const migrateStore = async (url: string, options: { dryRun: boolean }): Promise<Migration> =>
  (await adapterFor(url)).migrate(url, options)

/** Imports task modules into this process and answers their tasks. Throws `invalid` naming file and line. */
export async function loadTasks(modules: readonly string[]) {
  const { loadModules } = await import("./runtime/modules/load.ts")
  const { serveStem } = await import("./runtime/modules/virtual.ts")
  serveStem(publicNames)
  return loadModules(modules)
}

/** Starts a worker on open stores. Throws `invalid` when a task module can not be loaded; nothing was reserved then. */
export async function startWorker(
  stores: Stores,
  config: Config,
  listener?: Listener,
): Promise<RunningWorker> {
  const [{ startWorker: start }, { janitor }, { uuidv7 }, { hostname }] = await Promise.all([
    import("./core/worker/worker.ts"),
    import("./core/upkeep/janitor.ts"),
    import("./core/kit/id.ts"),
    import("node:os"),
  ])
  const { broker, inspector, results, workers, clock } = stores
  const { worker, retention } = config
  const { deadLetters } = inspector
  return start(
    {
      ...{ broker, inspector, registry: workers, clock },
      isolates: await makeIsolates(config, clock),
      chores: [(emit, signal) => janitor({ results, deadLetters, retention, clock, emit }, signal)],
    },
    {
      ...{ id: `${worker.name}-${uuidv7(clock)}`, name: worker.name, queues: worker.queues },
      ...{ concurrency: worker.concurrency, isolateCount: worker.isolates, drain: worker.drain },
      ...{ leaseMs: worker.leaseMs, graceMs: worker.graceMs },
      process: { host: hostname(), pid: process.pid, version: VERSION, rss: () => process.memoryUsage.rss() },
    },
    listener,
  )
}

async function makeIsolates({ worker }: Config, clock: Clock) {
  const { modules, isolates, maxTasks, maxRssBytes } = worker
  if (worker.isolation === "none") {
    const { createInlineIsolates } = await import("./runtime/isolates/inline.ts")
    return createInlineIsolates({ modules, clock, exports: publicNames })
  }
  const { createProcessIsolates } = await import("./runtime/isolates/pool.ts")
  return createProcessIsolates({ modules, isolates, maxTasks, maxRssBytes, clock })
}

/** The text of `stem.d.ts`: the types of what a task module imports, for editors. */
export const stemDeclarations = async (): Promise<string> =>
  (await import("./runtime/modules/declarations.ts")).stemDeclarations

/** Becomes a child of a worker: what the executable's hidden sub-command does. */
export async function becomeIsolate(): Promise<void> {
  const { isolateMain } = await import("./runtime/isolates/isolate.ts")
  await isolateMain(publicNames)
}

/**
 * Opens a store for a program. Throws `unavailable` or `invalid`.
 *
 * @param url `sqlite:PATH` or another of docs/cli.md; default: `STEM_BROKER_URL`, else the user's own SQLite file
 */
export async function connect(
  url?: string,
  options: { namespace?: string; results?: string } = {},
): Promise<Client> {
  const broker = url ?? (process.env.STEM_BROKER_URL || `sqlite:${defaultStatePath()}`)
  const results = options.results ?? (url === undefined ? process.env.STEM_RESULT_BACKEND_URL : undefined)
  const namespace = options.namespace ?? (process.env.STEM_NAMESPACE || "stem")
  const [stores, { traceHeaders }] = await Promise.all([
    openStores({ broker, ...(results && { results }), namespace }),
    import("./core/observe/trace.ts"),
  ])
  return createClient({ ...stores, trace: traceHeaders })
}

/** What `import … from "stem"` gives in a task module; src/index.ts exports the same names. */
export const publicNames = Object.freeze({ defineTask, retryAfter, connect, StemError })

/** The version of this Stem. */
export const VERSION: string = manifest.version
