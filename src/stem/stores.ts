import { adapterFor, openDriver } from "../adapters/index.ts"
import { type Bridged, bridge } from "../core/client/bridge.ts"
import { type Client, type ClientParts, createClient } from "../core/client/client.ts"
import type { KeptListener } from "../core/client/keeper.ts"
import type { Spool } from "../core/client/spool.ts"
import { type Config, DEFAULT_EVENTS } from "../core/config/config.ts"
import type { UrlSource } from "../core/contracts/credentials.ts"
import type { Capabilities, Driver, Migration } from "../core/contracts/driver.ts"
import type { Limiter } from "../core/contracts/limits.ts"
import type { LockStore } from "../core/contracts/locks.ts"
import type { WorkerRegistry } from "../core/contracts/workers.ts"
import type { Clock } from "../core/kit/clock.ts"
import { type StoreClock, storeClock } from "../core/kit/store-clock.ts"
import { recorded } from "../core/observe/recorded.ts"
import { createRecorder, type Recorder } from "../core/observe/recorder.ts"
import { createRouter, NO_ROUTING, type Routing } from "../core/policy/routing.ts"
import { timekeeper } from "../core/upkeep/timekeeper.ts"
import { systemClock } from "../runtime/clock.ts"
import { defaultSpoolPath, defaultStatePath, makeStateFolder } from "../runtime/paths.ts"

/** Open stores, as one: where broker and results are two, their differences are bridged already. */
export interface Stores extends Bridged {
  readonly workers: WorkerRegistry
  /** What is done through these parts is told by it; undefined where events are off. */
  readonly recorder: Recorder | undefined
  readonly limits: Limiter
  readonly locks: LockStore
  /** Each store once, for questions about the stores themselves. */
  readonly drivers: readonly Driver[]
  /** What the broker's store can do. */
  readonly capabilities: Capabilities
  /** Goes by the broker's time where the broker is another machine. */
  readonly clock: Clock
  /** {@link Driver.giveBack} of each. */
  giveBack(): Promise<boolean>
  close(): Promise<void>
}

/** What has to be known to open stores; where nothing is said of connections, the URLs are all there is. */
export type StoreConfig = Pick<Config, "broker" | "namespace"> &
  Partial<Pick<Config, "results" | "schedules" | "connections" | "events">>

/** Opens what the configuration names. Throws `unavailable` or `invalid`; then nothing is left open. */
export async function openStores(
  config: StoreConfig,
  clock: StoreClock = storeClock(systemClock),
): Promise<Stores> {
  const { connections } = config
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
  let recorder: Recorder | undefined
  const over = new AbortController()
  const close = async () => {
    over.abort()
    await recorder?.close()
    const drivers = await Promise.allSettled(opened.values())
    await Promise.all(drivers.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)))
  }
  try {
    const tasks = await openOnce("broker")
    const { workers, limits, locks, capabilities } = tasks
    const followClock = async () => {
      const asked = clock.monotonic()
      const now = await tasks.ping()
      if (now !== undefined) clock.follow(now, asked)
    }
    // A store on this machine has this machine's time.
    if (capabilities.remote) {
      await followClock()
      void timekeeper(followClock, clock, over.signal)
    }
    const [ended, planned] = [await openOnce("results"), await openOnce("schedules")]
    const drivers = [...new Set([tasks, ended, planned])]
    const bridged = await bridge({ tasks, ended, planned })
    const { on, ...kept } = config.events ?? DEFAULT_EVENTS
    recorder = on ? createRecorder(tasks.events, kept, clock) : undefined
    const told = recorder ? recorded(bridged, recorder.record, clock) : bridged
    const giveBack = async () => {
      let more = false
      for (const driver of drivers) if (await driver.giveBack?.()) more = true
      return more
    }
    const whole = { ...told, recorder, workers, limits, locks, capabilities, clock, drivers }
    return { ...whole, giveBack, close }
  } catch (error) {
    await close()
    throw error
  }
}

type StoreName = "broker" | "results" | "schedules"

const reachOf = async ({ timeoutMs, tls, ...urls }: Config["connections"], which: StoreName) =>
  (await import("../runtime/credentials.ts")).reachOf(urls[which], timeoutMs, tls)

/** The URL that a file holds or a command prints. Throws `invalid` or `unavailable`, never showing it. */
export const readStoreUrl = async (source: UrlSource, within: number): Promise<string> =>
  (await import("../runtime/credentials.ts")).readUrl(source, within)

/** Opens the spool for what is meant for this broker and namespace; it goes by this machine's clock. Throws `unavailable`. */
export async function openSpool({
  broker,
  namespace,
  spool,
}: Pick<Config, "broker" | "namespace" | "spool">): Promise<Spool> {
  if (spool.path === defaultSpoolPath()) makeStateFolder()
  const [{ createSpool }, { placeOf }, driver] = await Promise.all([
    import("../core/client/spool.ts"),
    import("../core/config/mask.ts"),
    openDriver(`sqlite:${spool.path}`, { namespace: "spool", clock: systemClock }),
  ])
  return createSpool(driver, { store: placeOf(broker), namespace }, systemClock)
}

/** What a sender may be given. */
export interface SenderOptions extends Pick<ClientParts, "trace" | "middleware"> {
  readonly kept?: KeptListener
}

/**
 * A client that keeps in the spool what the store can not take. It opens the store when it is first used, and starts
 * while it is away.
 */
export async function openSender(
  config: StoreConfig & Pick<Config, "spool"> & Partial<Pick<Config, "routing">>,
  { kept, trace, middleware }: SenderOptions = {},
): Promise<Client> {
  const [{ openLater }, { createKeeper }] = await Promise.all([
    import("../core/client/open-later.ts"),
    import("../core/client/keeper.ts"),
  ])
  const clock = storeClock(systemClock)
  const later = openLater(() => openStores(config, clock), clock)
  const keeper = createKeeper(() => openSpool(config), kept)
  const client = createClient({
    ...later,
    ...{ clock, keep: keeper.keep, middleware, router: createRouter(config.routing ?? NO_ROUTING) },
    ...(trace && { trace }),
    close: async () => void (await Promise.all([later.close(), keeper.close()])),
  })
  return {
    ...client,
    // What is made before the store was asked for the time goes by this machine's clock.
    enqueue: (async (...asked: Parameters<Client["enqueue"]>) => {
      await later.ready()
      return client.enqueue(...asked)
    }) as Client["enqueue"],
    async enqueueMany(asks, how) {
      await later.ready()
      return client.enqueueMany(asks, how)
    },
  }
}

/** The client of open stores; what its senders say nothing of is routed. */
export const clientOf = (
  stores: Stores,
  routing: Routing = NO_ROUTING,
  more: Pick<ClientParts, "middleware"> = {},
): Client => createClient({ ...stores, ...more, router: createRouter(routing) })

/** Brings the broker's schema up to date, or tells what that would do. */
export async function migrateStore(
  { broker, connections }: Pick<Config, "broker" | "connections">,
  { dryRun }: { dryRun: boolean },
): Promise<Migration> {
  if (broker === `sqlite:${defaultStatePath()}`) makeStateFolder()
  const { url, options } = await reachOf(connections, "broker")
  return (await adapterFor(url)).migrate(url, { dryRun, ...options })
}
