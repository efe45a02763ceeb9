/**
 * The composition root: configuration in, connected parts out. The only file that sees every room. What is large
 * is imported when it is called for, so that `stem enqueue` does not load what only a worker needs.
 */
import manifest from "../package.json" with { type: "json" }
import { adapterFor, openDriver } from "./adapters/index.ts"
import type { BeatServiceParts } from "./core/beat/service.ts"
import { type Bridged, bridge } from "./core/client/bridge.ts"
import { type Client, type ClientParts, createClient } from "./core/client/client.ts"
import type { ConnectOptions } from "./core/client/connect-options.ts"
import type { KeptListener } from "./core/client/keeper.ts"
import type { Spool } from "./core/client/spool.ts"
import type { Config } from "./core/config/config.ts"
import type { ConfigFile } from "./core/config/file.ts"
import type { UrlSource } from "./core/contracts/credentials.ts"
import type { Capabilities, Driver, Migration } from "./core/contracts/driver.ts"
import type { WorkerRegistry } from "./core/contracts/workers.ts"
import type { Clock } from "./core/kit/clock.ts"
import { StemError } from "./core/kit/errors.ts"
import { storeClock } from "./core/kit/store-clock.ts"
import type { Listener } from "./core/observe/events.ts"
import { defineTask, retryAfter } from "./core/task/define.ts"
import { defineSchedule } from "./core/task/define-schedule.ts"
import type { RunningWorker } from "./core/worker/worker.ts"
import { systemClock } from "./runtime/clock.ts"
import { defaultSpoolPath, defaultStatePath, makeStateFolder } from "./runtime/paths.ts"

export { systemClock } from "./runtime/clock.ts"
export { configFolder, defaultSpoolPath, defaultStatePath } from "./runtime/paths.ts"
export { listenForSignals } from "./runtime/signals.ts"

/** Open stores, as one: where broker and results are two, their differences are bridged already. */
export interface Stores extends Bridged {
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
  Partial<Pick<Config, "results" | "schedules" | "connections">>

/** Opens what the configuration names. Throws `unavailable` or `invalid`; then nothing is left open. */
export async function openStores(config: StoreConfig, machine: Clock = systemClock): Promise<Stores> {
  const { connections } = config
  const clock = storeClock(machine)
  const open = async (url: string, which: StoreName) => {
    if (url === `sqlite:${defaultStatePath()}`) makeStateFolder()
    const reach = connections && (await reachOf(connections, which))
    return openDriver(reach?.url ?? url, { namespace: config.namespace, clock, ...reach?.options })
  }
  const opened = new Map<string, Promise<Driver>>()
  const openOnce = (which: StoreName) => {
    const url = config[which] ?? config.broker
    const driver = opened.get(url) ?? open(url, which)
    opened.set(url, driver)
    return driver
  }
  const close = async () => {
    const drivers = await Promise.allSettled(opened.values())
    await Promise.all(drivers.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)))
  }
  try {
    const tasks = await openOnce("broker")
    const { workers, capabilities } = tasks
    const followClock = async () => {
      const asked = clock.monotonic()
      const now = await tasks.ping()
      if (now !== undefined) clock.follow(now, asked)
    }
    // A store on this machine has this machine's time.
    if (capabilities.remote) await followClock()
    const [ended, planned] = [await openOnce("results"), await openOnce("schedules")]
    const drivers = [...new Set([tasks, ended, planned])]
    const bridged = await bridge({ tasks, ended, planned })
    return { ...bridged, workers, capabilities, clock, followClock, drivers, close }
  } catch (error) {
    await close()
    throw error
  }
}

type StoreName = "broker" | "results" | "schedules"

const reachOf = async ({ timeoutMs, tls, ...urls }: Config["connections"], which: StoreName) =>
  (await import("./runtime/credentials.ts")).reachOf(urls[which], timeoutMs, tls)

/** The URL that a file holds or a command prints. Throws `invalid` or `unavailable`, never showing it. */
export const readStoreUrl = async (source: UrlSource, within: number): Promise<string> =>
  (await import("./runtime/credentials.ts")).readUrl(source, within)

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
  /** With `worker.beat`: reads the files that may define schedules. */
  files: () => Promise<readonly ConfigFile[]> = async () => [],
): Promise<RunningWorker> {
  const [{ startWorker: start }, { upkeep }, { chooseIsolates }, { createRing }, { uuidv7 }] =
    await Promise.all([
      import("./core/worker/worker.ts"),
      import("./core/upkeep/chores.ts"),
      import("./runtime/isolates/choose.ts"),
      import("./core/kit/ring.ts"),
      import("./core/kit/id.ts"),
    ])
  const { broker, inspector, workers, clock, followClock } = stores
  const { worker, retention, spool } = config
  const isolates = await chooseIsolates(worker, clock, publicNames)
  const reloaded = createRing()
  let beatTurnedAt = worker.beat ? clock.monotonic() : Number.POSITIVE_INFINITY
  const beatTurned = () => {
    beatTurnedAt = clock.monotonic()
  }
  const beat = async (emit: Listener, signal: AbortSignal) => {
    const { sourcesOf } = await import("./core/beat/sources.ts")
    const read = async () => sourcesOf(await files(), worker.modules, isolates.schedules?.() ?? [])
    const how = { name: `${worker.name}-beat`, again: reloaded.next }
    await startBeat(stores, { ...how, read, lenient: true, turned: beatTurned }, emit, signal)
    beatTurnedAt = Number.POSITIVE_INFINITY
  }
  const chores = upkeep({
    ...{ ...stores, deadLetters: inspector.deadLetters, retention },
    followClock: stores.capabilities.remote ? followClock : undefined,
    openSpool: spool?.on ? () => openSpool({ ...config, spool }, clock) : undefined,
  })
  const running = await start(
    {
      ...{ broker, inspector, registry: workers, clock, isolates },
      chores: worker.beat ? [...chores, beat] : chores,
    },
    {
      ...{ id: `${worker.name}-${uuidv7(clock)}`, name: worker.name, queues: worker.queues },
      ...{ concurrency: worker.concurrency, isolateCount: worker.isolates, drain: worker.drain },
      autoscale: worker.autoscale,
      isolatesFor: (concurrency) => Math.min(concurrency, worker.isolatesMost),
      ...{ leaseMs: worker.leaseMs, graceMs: worker.graceMs },
      process: await processFacts(),
    },
    (event) => {
      if (event.kind === "reloaded") reloaded.ring()
      listener?.(event)
    },
  )
  return { ...running, lastProgressAt: () => Math.min(running.lastProgressAt(), beatTurnedAt) }
}

/** What a Beat is given beside its stores; the name is for `stem health --worker NAME`. */
export type BeatOptions = Pick<BeatServiceParts, "read" | "again" | "lenient" | "turned"> & {
  readonly name: string
}

/** Fires schedules on open stores until the signal aborts. Rejects when they can not be read at the start. */
export async function startBeat(
  { workers: registry, followClock, capabilities, ...stores }: Stores,
  { name, ...how }: BeatOptions,
  emit: Listener,
  signal: AbortSignal,
): Promise<void> {
  const [{ runBeat }, { timekeeper }, { uuidv7 }] = await Promise.all([
    import("./core/beat/service.ts"),
    import("./core/upkeep/timekeeper.ts"),
    import("./core/kit/id.ts"),
  ])
  const { clock } = stores
  await stores.schedules.get([])
  if (capabilities.remote) void timekeeper(followClock, clock, signal)
  const settings = { id: `${name}-${uuidv7(clock)}`, name, process: await processFacts() }
  await runBeat({ ...stores, ...how, registry }, settings, emit, signal)
}

/** What these files and modules define, the modules read in a child process. */
export async function readSources(files: readonly ConfigFile[], modules: readonly string[]) {
  const { readSchedules } = await import("./runtime/isolates/choose.ts")
  const { sourcesOf } = await import("./core/beat/sources.ts")
  return sourcesOf(files, modules, await readSchedules(modules, systemClock))
}

const processFacts = async () => ({
  ...{ host: (await import("node:os")).hostname(), pid: process.pid, version: VERSION },
  rss: () => process.memoryUsage.rss(),
})

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
