/**
 * The composition root: configuration in, connected parts out. With the files of src/stem the only one that sees every room. What is large
 * is imported when it is called for, so that `stem enqueue` does not load what only a worker needs.
 */
import manifest from "../package.json" with { type: "json" }
import type { BeatServiceParts } from "./core/beat/service.ts"
import { type Client, createClient } from "./core/client/client.ts"
import type { ConnectOptions } from "./core/client/connect-options.ts"
import type { Config } from "./core/config/config.ts"
import type { ConfigFile } from "./core/config/file.ts"
import { invalid } from "./core/kit/errors.ts"
import type { Listener } from "./core/observe/events.ts"
import { createRouter, NO_ROUTING } from "./core/policy/routing.ts"
import type { RunningWorker } from "./core/worker/worker.ts"
import { systemClock } from "./runtime/clock.ts"
import { findConfigFiles } from "./runtime/config-files.ts"
import { defaultSpoolPath, defaultStatePath } from "./runtime/paths.ts"
import { openSender, openSpool, openStores, readStoreUrl, type Stores } from "./stem/stores.ts"

export { systemClock } from "./runtime/clock.ts"
export { findConfigFiles } from "./runtime/config-files.ts"
export { becomeMinder, ownCommand, serviceManager } from "./runtime/doors.ts"
export { defaultSpoolPath, defaultStatePath } from "./runtime/paths.ts"
export { listenForSignals } from "./runtime/signals.ts"
export {
  clientOf,
  migrateStore,
  openSender,
  openSpool,
  openStores,
  readStoreUrl,
  type SenderOptions,
  type StoreConfig,
  type Stores,
} from "./stem/stores.ts"

/** Imports task modules into this process and answers their tasks. Throws `invalid` naming file and line. */
export async function loadTasks(modules: readonly string[]) {
  const { loadModules } = await import("./runtime/modules/load.ts")
  const { serveStem } = await import("./runtime/modules/virtual.ts")
  serveStem(await publicNames())
  return loadModules(modules)
}

/** Starts a worker on open stores. Throws `invalid` when a task module can not be loaded; nothing was reserved then. */
export async function startWorker(
  stores: Stores,
  config: Omit<Config, "connections" | "spool" | "routing" | "events" | "queueLimits"> & Partial<Config>,
  listener?: Listener,
  /** With `worker.beat`: reads the files that may define schedules. */
  files: () => Promise<readonly ConfigFile[]> = async () => [],
): Promise<RunningWorker> {
  const [
    { startWorker: start },
    { upkeep },
    { chooseIsolates },
    { createRing },
    { uuidv7 },
    { workerRecord },
  ] = await Promise.all([
    import("./core/worker/worker.ts"),
    import("./core/upkeep/chores.ts"),
    import("./runtime/isolates/choose.ts"),
    import("./core/kit/ring.ts"),
    import("./core/kit/id.ts"),
    import("./core/observe/worker-record.ts"),
  ])
  const { broker, inspector, workers, groups, notes, limits, clock, recorder } = stores
  const { worker, retention, spool, queueLimits = [] } = config
  const router = createRouter(config.routing ?? NO_ROUTING)
  const isolates = await chooseIsolates(worker, clock, await publicNames())
  const reloaded = createRing()
  let beatTurnedAt = worker.beat ? clock.monotonic() : Number.POSITIVE_INFINITY
  const beatTurned = () => {
    beatTurnedAt = clock.monotonic()
  }
  const beat = async (emit: Listener, signal: AbortSignal) => {
    const { sourcesOf } = await import("./core/beat/sources.ts")
    const read = async () => sourcesOf(await files(), worker.modules, isolates.schedules?.() ?? [])
    const pass: BeatOptions["pass"] = async (asks, within) =>
      (await isolates.extensions?.()?.pass(asks, within)) ?? asks.map((ask) => ({ kind: "passed", ask }))
    const how = { name: `${worker.name}-beat`, again: reloaded.next, router, pass }
    await startBeat(stores, { ...how, read, lenient: true, turned: beatTurned }, emit, signal)
    beatTurnedAt = Number.POSITIVE_INFINITY
  }
  const id = `${worker.name}-${uuidv7(clock)}`
  const chores = upkeep({
    ...{ ...stores, retention, eventRetention: config.events },
    holder: id,
    openSpool: spool?.on ? () => openSpool({ ...config, spool }) : undefined,
  })
  const tell = recorder && workerRecord(id, recorder.record, clock)
  const running = await start(
    {
      ...{ broker, inspector, registry: workers, groups, notes, limits, clock, isolates },
      chores: worker.beat ? [...chores, beat] : chores,
    },
    {
      ...{ id, name: worker.name, queues: worker.queues, router },
      ...{ concurrency: worker.concurrency, isolateCount: worker.isolates, drain: worker.drain },
      autoscale: worker.autoscale,
      isolatesFor: (concurrency) => Math.min(concurrency, worker.isolatesMost),
      ...{ leaseMs: worker.leaseMs, graceMs: worker.graceMs },
      queueLimits: new Map(queueLimits.map(({ queue, limits }) => [queue, limits])),
      process: await processFacts(),
    },
    (event) => {
      tell?.(event)
      if (event.kind === "reloaded") reloaded.ring()
      listener?.(event)
    },
  )
  if (recorder) recorder.dropped = (count) => listener?.({ kind: "events_dropped", count })
  return { ...running, lastProgressAt: () => Math.min(running.lastProgressAt(), beatTurnedAt) }
}

/** What a Beat is given beside its stores; the name is for `stem health --worker NAME`. */
export type BeatOptions = Pick<
  BeatServiceParts,
  "read" | "again" | "lenient" | "router" | "pass" | "turned"
> & {
  readonly name: string
}

/** Fires schedules on open stores until the signal aborts. Rejects when they can not be read at the start. */
export async function startBeat(
  { workers: registry, ...stores }: Stores,
  { name, ...how }: BeatOptions,
  emit: Listener,
  signal: AbortSignal,
): Promise<void> {
  const [{ runBeat }, { uuidv7 }] = await Promise.all([
    import("./core/beat/service.ts"),
    import("./core/kit/id.ts"),
  ])
  const { clock } = stores
  await stores.schedules.get([])
  const settings = { id: `${name}-${uuidv7(clock)}`, name, process: await processFacts() }
  await runBeat({ ...stores, ...how, registry }, settings, emit, signal)
}

/** What these files and modules define, the modules read in a child process. */
export async function readSources(files: readonly ConfigFile[], modules: readonly string[]) {
  const { readSchedules } = await import("./runtime/isolates/choose.ts")
  const { sourcesOf } = await import("./core/beat/sources.ts")
  return sourcesOf(files, modules, await readSchedules(modules, systemClock))
}

/** What a Beat's modules define, read in children; their `enqueue` middleware is kept at hand until it is closed. */
export async function openBeatModules(modules: readonly string[], emit: Listener) {
  const { beatModules } = await import("./runtime/isolates/choose.ts")
  const { sourcesOf } = await import("./core/beat/sources.ts")
  const { read, pass, close } = await beatModules(modules, systemClock, {
    died: (death) => emit({ kind: "isolate_died", ...death }),
    note: emit,
  })
  const sources = async (files: readonly ConfigFile[]) => sourcesOf(files, modules, await read())
  return { sources, pass, close }
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
  await isolateMain(await publicNames())
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
    ...{ findFiles: findConfigFiles, broker: `sqlite:${defaultStatePath()}`, spool: defaultSpoolPath() },
  })
  const { middleware } = options
  if (middleware?.length) await refuseMiddleware(middleware)
  if (config.spool.on) return openSender(config, { trace: traceHeaders, middleware })
  return createClient({
    ...(await openStores(config)),
    ...{ trace: traceHeaders, router: createRouter(config.routing), middleware },
  })
}

async function refuseMiddleware(values: readonly unknown[]): Promise<void> {
  const { middlewareProblem } = await import("./core/task/define-middleware.ts")
  const problem = values.map(middlewareProblem).find((one) => one !== undefined)
  if (problem !== undefined) throw invalid("invalid_middleware", `connect: middleware: ${problem}`)
}

/** What `import … from "stem"` gives in a task module. */
export const publicNames = async () => (await import("./stem/public-names.ts")).publicNamesWith(connect)

/** The version of this Stem. */
export const VERSION: string = manifest.version
