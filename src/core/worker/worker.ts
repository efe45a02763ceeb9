import type { Millis } from "../kit/clock.ts"
import { whenAborted, within } from "../kit/deadline.ts"
import { createEvents, type Listener } from "../observe/events.ts"
import { createStoreWatch } from "../observe/store-watch.ts"
import { isLimited } from "../policy/limit-keys.ts"
import { type Failure, toFailure } from "../task/failure.ts"
import type { Delivery } from "../task/lease.ts"
import { createAdmission } from "./admission.ts"
import { answerAsks } from "./asks.ts"
import { autoscaler, measureWaits } from "./autoscaler.ts"
import { createChildren } from "./children.ts"
import type { Controls } from "./control.ts"
import { createDescription } from "./describe.ts"
import { fetcher } from "./fetcher.ts"
import { createFreer } from "./freer.ts"
import { heartbeat, stopTask } from "./heartbeat.ts"
import { type Held, type Leases, marginOf } from "./held.ts"
import { tellHooks } from "./lifecycle.ts"
import { presence } from "./presence.ts"
import { createPulse } from "./pulse.ts"
import { createQuiet } from "./quiet.ts"
import { tellRefusals } from "./refusals.ts"
import { restForWork, restOrLeave } from "./rest.ts"
import { type Reading, readClock, run } from "./run.ts"
import type { WorkerParts, WorkerSettings } from "./settings.ts"
import { createSettler } from "./settler.ts"
import { FAREWELL, shutdown } from "./shutdown.ts"
import { createSizing } from "./sizing.ts"
import { createSlots } from "./slots.ts"
import { keepTally } from "./tally.ts"
import { queuesOf, queueTurns } from "./turns.ts"

/** A worker at work. */
export interface RunningWorker {
  /**
   * Takes nothing new, lets the handlers finish for the grace, then aborts. Leases are kept meanwhile. Calling it
   * again changes nothing.
   */
  drain(): void
  /** Aborts the handlers, kills what does not stop, and hands the unfinished back at no cost. */
  abort(): void
  /** Takes nothing new, and stays until it is drained. */
  quiet(): void
  /** Takes work again after that. */
  resume(): void
  /** New isolates with the modules read anew. Never rejects: the events tell. */
  reload(): Promise<void>
  /** So many tasks at once from now on, at least one; no running task is touched. The event tells the reason. */
  resize(concurrency: number, reason: string): void
  on(listener: Listener): () => void
  /** Since when, by the monotonic clock, its loops may have stood still. */
  lastProgressAt(): Millis
  /** Resolves when everything is finished or handed back. `forced`: some were handed back unfinished. */
  readonly done: Promise<{ readonly forced: boolean }>
}

/**
 * Starts a worker. Throws what the isolates throw when a module can not be loaded; nothing was reserved then.
 */
export async function startWorker(
  parts: WorkerParts,
  settings: WorkerSettings,
  listener?: Listener,
): Promise<RunningWorker> {
  const { broker, isolates, clock } = parts
  const { router } = settings
  const events = createEvents()
  if (listener) events.on(listener)
  const { emit } = events
  const leases: Leases = new Map()
  const children = createChildren({ isolates, leases, clock, router })
  const tally = keepTally(events)
  const slots = createSlots(settings.concurrency)
  const store = createStoreWatch(emit, clock)
  const settler = createSettler(broker, store)
  const sizing = createSizing({ slots, isolates, isolatesFor: settings.isolatesFor, emit })
  const waits = settings.autoscale && measureWaits(clock)
  const pulse = createPulse(clock)
  const quiet = createQuiet()
  const stopping = new AbortController()
  const aborted = new AbortController()
  const over = new AbortController()
  const freer = createFreer({ limits: parts.limits, broker, store }, over.signal)

  await isolates.start({
    progress: (id, token, progress) => {
      const held = leases.get(id)
      if (held?.delivery.lease.token === token) held.progress = progress
    },
    log: (line) => emit({ kind: "log", ...line }),
    async enqueue(ask) {
      const child = children.task(ask)
      const [stored] = await broker.enqueue([child])
      return stored?.id ?? child.id
    },
    ask: answerAsks({ broker, notes: parts.notes, children, leases }),
    note: emit,
    died: (death) => emit({ kind: "isolate_died", ...death }),
    unable: (reason) => emit({ kind: "isolates_lost", reason }),
    able: () => emit({ kind: "isolates_back" }),
    differs: (news) => emit({ kind: "isolate_differs", ...news }),
  })

  let turns = turnsNow()
  function turnsNow() {
    const specs = [...isolates.specs().values()]
    return queueTurns(queuesOf(settings.queues, specs, router), clock.random)
  }

  const lifecycle = tellHooks(isolates, events, { worker: settings.name, queues: () => [...turns()].sort() })

  const runParts = {
    leases,
    isolates,
    ...{ groups: parts.groups, store, children, stop: aborted.signal },
    settler,
    clock,
    emit,
    worker: settings.id,
    freed: slots.give,
    settled: slots.settled,
    free: freer.free,
  }
  const admission = createAdmission({
    ...{ isolates, settler, freer, leases, store, clock, limits: parts.limits, leaseMs: settings.leaseMs },
    queueLimits: settings.queueLimits,
    start,
    refused: tellRefusals(emit, clock),
  })

  function start(held: Held, at?: Reading): void {
    slots.take(1)
    lifecycle.received(held.delivery)
    run(runParts, held, at)
  }

  /** Starts what has no limits at once; answers how many of the others were refused. */
  function take(deliveries: readonly Delivery[], began: Millis): number | Promise<number> {
    const limited: Held[] = []
    const plain: Held[] = []
    for (const delivery of deliveries) {
      const { envelope } = delivery
      const trustedUntil = began + settings.leaseMs - marginOf(settings.leaseMs)
      const held: Held = { delivery, renewedAt: began, trustedUntil }
      leases.set(envelope.id, held)
      if (quiet.on) held.aborted = "shutdown"
      const mayWait =
        !held.aborted && isLimited(envelope, isolates.specs().get(envelope.task), settings.queueLimits)
      if (mayWait) limited.push(held)
      else plain.push(held)
    }
    const now = plain.slice(0, Math.max(0, slots.free()))
    waits?.note(now.map(({ delivery }) => delivery))
    const at = readClock(clock)
    for (const held of now) start(held, at)
    if (limited.length === 0 && now.length === plain.length) return 0
    const room = () => Math.max(0, slots.free())
    return Promise.all([
      limited.length === 0 ? 0 : admission.admit(limited, room, quiet.signal),
      admission.handBack(plain.slice(now.length)),
    ]).then(([refused]) => refused)
  }

  const describe = createDescription({
    ...{ settings, isolates, sizing, leases, tally, clock, queues: () => turns() },
    state: () => (stopping.signal.aborted ? "draining" : quiet.on ? "quiet" : "running"),
  })

  function hush(): void {
    if (quiet.hush()) emit({ kind: "quieted", running: leases.size })
  }

  function resume(): void {
    if (!stopping.signal.aborted && quiet.lift()) emit({ kind: "resumed" })
  }

  function drain(): void {
    if (stopping.signal.aborted) return
    stopping.abort()
    quiet.hush()
    emit({ kind: "draining", running: leases.size, graceMs: settings.graceMs })
  }

  function abort(): void {
    if (aborted.signal.aborted) return
    drain()
    aborted.abort()
    emit({ kind: "aborting", running: leases.size })
    for (const held of leases.values()) {
      if (held.aborted) continue
      held.aborted = "shutdown"
      isolates.abort(held.delivery.envelope.id, held.delivery.lease.token, "shutdown")
    }
  }

  async function reload(): Promise<Failure | undefined> {
    try {
      await isolates.reload()
      turns = turnsNow()
      emit({ kind: "reloaded", tasks: [...isolates.specs().keys()] })
      return undefined
    } catch (error) {
      const failure = toFailure(error)
      emit({ kind: "reload_failed", error: failure })
      return failure
    }
  }

  const controls: Controls = {
    ...{ describe, quiet: hush, resume, drain, resize: sizing.resize, reload },
    cancel: (ids, how) =>
      ids.filter((id) => {
        const held = leases.get(id)
        if (held) stopTask({ isolates, clock, leases }, held, how)
        return held !== undefined
      }),
  }

  async function live(): Promise<{ forced: boolean }> {
    const beating = heartbeat(
      {
        ...{ leases, broker, isolates, store, clock, emit, pulse },
        ...{ limits: parts.limits, leaseMs: settings.leaseMs },
      },
      over.signal,
    )
    const present = presence({ registry: parts.registry, store, clock, emit }, controls, over.signal)
    const chores = parts.chores.map((chore) => chore(emit, stopping.signal))
    const resting = {
      ...{
        broker,
        inspector: parts.inspector,
        store,
        clock,
        queues: () => turns(),
        holdsAny: () => leases.size > 0,
      },
      emptyHanded: (signal: AbortSignal) => slots.allFree(signal).then(settler.idle),
    }
    const rest = settings.drain ? restOrLeave(resting) : restForWork(resting)
    const fetching = {
      ...{ broker, store, clock, pulse, take, rest },
      holder: settings.id,
      leaseMs: settings.leaseMs,
      queues: () => turns(),
      free: slots.free,
      async slot(signal: AbortSignal) {
        await slots.available(signal)
        await isolates.able?.(signal)
      },
    }
    const scaling = settings.autoscale &&
      waits && {
        ...{ policy: settings.autoscale, sizing, slots, waits, store, clock },
        ...{ inspector: parts.inspector, registry: parts.registry, id: settings.id, queues: () => turns() },
      }
    for (let taking = true; taking; ) {
      const { signal } = quiet
      if (scaling) chores.push(autoscaler(scaling, signal))
      await fetcher(fetching, signal)
      if (signal.aborted) await pulse.pause(Promise.race([quiet.lifted(), whenAborted(stopping.signal)]))
      taking = signal.aborted && !stopping.signal.aborted
    }
    quiet.hush()
    stopping.abort()
    await pulse.pause(admission.idle())
    lifecycle.stopping()
    const { graceMs } = settings
    const { forced } = await pulse.pause(
      shutdown({ clock, slots, isolates, settler, graceMs, abort, hurry: aborted.signal }),
    )
    await within(clock, FAREWELL, freer.idle)
    over.abort()
    await within(clock, FAREWELL, () => Promise.all([beating, present, ...chores]))
    await isolates.extensions?.()?.close()
    emit({ kind: "stopped", forced })
    return { forced }
  }

  emit({
    kind: "ready",
    tasks: [...isolates.specs().keys()],
    queues: [...turns()].sort(),
    concurrency: settings.concurrency,
    isolates: settings.isolateCount,
  })

  return {
    drain,
    abort,
    ...{ quiet: hush, resume },
    reload: async () => void (await reload()),
    resize: sizing.resize,
    on: events.on,
    lastProgressAt: pulse.lastProgressAt,
    done: live(),
  }
}
