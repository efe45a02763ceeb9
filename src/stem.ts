/**
 * The composition root: configuration in, connected parts out. The only file that sees every room. What is large
 * is imported when it is called for, so that `stem enqueue` does not load what only a worker needs.
 */
import manifest from "../package.json" with { type: "json" }
import { adapterFor, openDriver } from "./adapters/index.ts"
import { type Client, type ClientParts, createClient } from "./core/client/client.ts"
import type { KeptListener } from "./core/client/keeper.ts"
import type { Spool } from "./core/client/spool.ts"
import type { Config } from "./core/config/config.ts"
import type { Broker } from "./core/contracts/broker.ts"
import type { UrlSource } from "./core/contracts/credentials.ts"
import type { Capabilities, Driver, Migration, TlsFiles } from "./core/contracts/driver.ts"
import type { Inspector } from "./core/contracts/inspector.ts"
import type { ResultBackend } from "./core/contracts/results.ts"
import type { WorkerRegistry } from "./core/contracts/workers.ts"
import type { Clock } from "./core/kit/clock.ts"
import type { Duration } from "./core/kit/duration.ts"
import { StemError } from "./core/kit/errors.ts"
import { storeClock } from "./core/kit/store-clock.ts"
import type { Listener } from "./core/observe/events.ts"
import { defineTask, retryAfter } from "./core/task/define.ts"
import { defineSchedule } from "./core/task/define-schedule.ts"
import type { RunningWorker } from "./core/worker/worker.ts"
import { systemClock } from "./runtime/clock.ts"
import { makeStateFolder, stateFolder } from "./runtime/paths.ts"

export { systemClock } from "./runtime/clock.ts"
export { configFolder } from "./runtime/paths.ts"
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
  /** Goes by the broker's time where the broker is another machine. */
  readonly clock: Clock
  /** Looks at the broker's time again. Throws `unavailable`. */
  followClock(): Promise<void>
  close(): Promise<void>
}

/** What has to be known to open stores; where nothing is said of connections, the URLs are all there is. */
export type StoreConfig = Pick<Config, "broker" | "namespace"> &
  Partial<Pick<Config, "results" | "connections">>

/** Opens what the configuration names. Throws `unavailable` or `invalid`; then nothing is left open. */
export async function openStores(config: StoreConfig, machine: Clock = systemClock): Promise<Stores> {
  const { connections } = config
  const clock = storeClock(machine)
  const open = async (url: string, which: "broker" | "results" = "broker") => {
    if (url === `sqlite:${defaultStatePath()}`) makeStateFolder()
    const reach = connections && (await reachOf(connections, which))
    return openDriver(reach?.url ?? url, { namespace: config.namespace, clock, ...reach?.options })
  }
  const driver = await open(config.broker)
  const { broker, inspector, results, workers, capabilities } = driver
  const followClock = async () => {
    const asked = clock.monotonic()
    const now = await driver.ping()
    if (now !== undefined) clock.follow(now, asked)
  }
  try {
    // A store on this machine has this machine's time.
    if (capabilities.remote) await followClock()
    if (config.results === undefined || config.results === config.broker)
      return {
        ...{ broker, inspector, results, workers, capabilities, clock, followClock, drivers: [driver] },
        close: () => driver.close(),
      }
    const [elsewhere, { splitBroker, splitInspector }] = await Promise.all([
      open(config.results, "results"),
      import("./core/client/split.ts"),
    ])
    return {
      broker: splitBroker(broker, elsewhere.results),
      inspector: splitInspector(inspector, elsewhere.inspector.ended, elsewhere.results, clock),
      results: elsewhere.results,
      ...{ workers, capabilities, clock, followClock, drivers: [driver, elsewhere] },
      async close() {
        await Promise.all([driver.close(), elsewhere.close()])
      },
    }
  } catch (error) {
    await driver.close()
    throw error
  }
}

const reachOf = async ({ timeoutMs, tls, ...urls }: Config["connections"], which: "broker" | "results") =>
  (await import("./runtime/credentials.ts")).reachOf(urls[which], timeoutMs, tls)

/** The URL that a file holds or a command prints. Throws `invalid` or `unavailable`, never showing it. */
export const readStoreUrl = async (source: UrlSource, within: number): Promise<string> =>
  (await import("./runtime/credentials.ts")).readUrl(source, within)

/** The spool of a person who named none. */
export const defaultSpoolPath = (): string => `${stateFolder()}/spool.db`

/** Opens the spool for what is meant for this broker and namespace. Throws `unavailable`. */
export async function openSpool(
  { broker, namespace, spool }: Pick<Config, "broker" | "namespace" | "spool">,
  clock: Clock = systemClock,
): Promise<Spool> {
  if (spool.path === defaultSpoolPath()) makeStateFolder()
  const [{ createSpool }, { placeOf }, driver] = await Promise.all([
    import("./core/client/spool.ts"),
    import("./core/config/mask.ts"),
    openDriver(`sqlite:${spool.path}`, { namespace: "spool", clock }),
  ])
  return createSpool(driver, { store: placeOf(broker), namespace }, clock)
}

/** What a sender may be given. */
export interface SenderOptions extends Pick<ClientParts, "trace"> {
  readonly kept?: KeptListener
  readonly clock?: Clock
}

/**
 * A client that keeps in the spool what the store can not take. It opens the store when it is first used, and starts
 * while it is away.
 */
export async function openSender(
  config: StoreConfig & Pick<Config, "spool">,
  { kept, trace, clock = systemClock }: SenderOptions = {},
): Promise<Client> {
  const [{ openLater }, { createKeeper }] = await Promise.all([
    import("./core/client/open-later.ts"),
    import("./core/client/keeper.ts"),
  ])
  const later = openLater(() => openStores(config, clock))
  const keeper = createKeeper(() => openSpool(config, clock), kept)
  return createClient({
    ...later,
    ...{ clock, ...(trace && { trace }), keep: keeper.keep },
    close: async () => void (await Promise.all([later.close(), keeper.close()])),
  })
}

/** The client of open stores. */
export const clientOf = (stores: Stores): Client => createClient(stores)

/** Brings the broker's schema up to date, or tells what that would do. */
export async function migrateStore(
  { broker, connections }: Pick<Config, "broker" | "connections">,
  { dryRun }: { dryRun: boolean },
): Promise<Migration> {
  if (broker === `sqlite:${defaultStatePath()}`) makeStateFolder()
  const { url, options } = await reachOf(connections, "broker")
  return (await adapterFor(url)).migrate(url, { dryRun, ...options })
}

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
  config: Omit<Config, "connections" | "spool"> & Partial<Config>,
  listener?: Listener,
): Promise<RunningWorker> {
  const [{ startWorker: start }, { janitor }, { timekeeper }, { deliverSpool }, { uuidv7 }, { hostname }] =
    await Promise.all([
      import("./core/worker/worker.ts"),
      import("./core/upkeep/janitor.ts"),
      import("./core/upkeep/timekeeper.ts"),
      import("./core/upkeep/spool.ts"),
      import("./core/kit/id.ts"),
      import("node:os"),
    ])
  const { broker, inspector, results, workers, clock } = stores
  const { worker, retention, spool } = config
  const { deadLetters } = inspector
  const janitorParts = { results, deadLetters, retention, clock }
  return start(
    {
      ...{ broker, inspector, registry: workers, clock },
      isolates: await makeIsolates(config, clock),
      chores: [
        (emit, signal) => janitor({ ...janitorParts, emit }, signal),
        async (_, signal) => {
          if (stores.capabilities.remote) await timekeeper(stores.followClock, clock, signal)
        },
        async (emit, signal) => {
          if (!spool?.on) return
          const open = () => openSpool({ ...config, spool }, clock)
          await deliverSpool({ open, broker, clock, emit }, signal)
        },
      ],
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

async function makeIsolates(config: Pick<Config, "worker">, clock: Clock) {
  const { modules, shell, shellAllow: allow } = config.worker
  if (!shell) return makeModuleIsolates(config, clock)
  const { createShell } = await import("./runtime/shell/run.ts")
  const commands = createShell({ allow, clock })
  if (modules.length === 0) return commands
  const { combineIsolates } = await import("./runtime/isolates/combine.ts")
  return combineIsolates(await makeModuleIsolates(config, clock), commands)
}

async function makeModuleIsolates({ worker }: Pick<Config, "worker">, clock: Clock) {
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

/** The line to the service manager that started this process; undefined when none listens. */
export const serviceManager = async () => (await import("./runtime/systemd.ts")).serviceManager(process.env)

/** The words that start this Stem: its executable, or Bun and its sources. */
export const ownCommand = async (): Promise<string[]> =>
  (await import("./runtime/isolates/process.ts")).ownCommand()

/** Becomes the process that minds one command: what another hidden sub-command does. */
export async function becomeMinder(): Promise<void> {
  const { minderMain } = await import("./runtime/shell/minder.ts")
  await minderMain()
}

/** What a program may say of its connection; what it leaves open the environment says, as for commands. */
export interface ConnectOptions {
  /** Keeps installations on one store apart. */
  namespace?: string
  /** Where ended tasks are remembered; the broker's URL unless set. */
  results?: string
  /**
   * Keeps what is sent while the store is away: a file, or true for the usual one. The store is then opened at the
   * first call, and a worker with this spool, or `stem spool flush`, delivers.
   */
  spool?: string | boolean
  /** How long a connection attempt may take. Default: 5 s. */
  connectTimeout?: Duration
  /** PEM files: certificates to trust, and our own with its key. */
  tls?: TlsFiles
}

/**
 * Opens a store for a program. Throws `unavailable` or `invalid`.
 *
 * @param url `sqlite:PATH` or another of docs/cli.md; default: `STEM_BROKER_URL`, else the user's own SQLite file
 */
export async function connect(url?: string, options: ConnectOptions = {}): Promise<Client> {
  const [{ connectionOf }, { traceHeaders }] = await Promise.all([
    import("./core/config/program.ts"),
    import("./core/observe/trace.ts"),
  ])
  const config = await connectionOf(url, options, {
    ...{ env: process.env, directory: process.cwd(), readUrl: readStoreUrl },
    ...{ broker: `sqlite:${defaultStatePath()}`, spool: defaultSpoolPath() },
  })
  if (config.spool.on) return openSender(config, { trace: traceHeaders })
  return createClient({ ...(await openStores(config)), trace: traceHeaders })
}

/** What `import … from "stem"` gives in a task module; src/index.ts exports the same names. */
export const publicNames = Object.freeze({ defineTask, defineSchedule, retryAfter, connect, StemError })

/** The version of this Stem. */
export const VERSION: string = manifest.version
