import type { Clock, Millis } from "../../core/kit/clock.ts"
import { alarm } from "../../core/kit/deadline.ts"
import { machineClock } from "../machine-clock.ts"
import type { Client } from "./client.ts"
import type { Connection } from "./connection.ts"

/** What there is to wait for: something to reserve, a task that has ended, a schedule that is due, news, or orders. */
export type Kind = "work" | "ended" | "schedules" | "events" | "commands"

/** Tells those who wait that the store has changed, by this process or another. */
export interface Bell {
  /**
   * Runs `work` as one who waits: meanwhile all who write tell us. Returns only after they have heard of it, or
   * when that can not be: then the bell rings often instead.
   */
  attend<T>(kind: Kind, work: () => Promise<T>): Promise<T>
  /** A count that grows with every change. Take it before looking, and wait with it: nothing between is missed. */
  heard(kind: Kind): number
  /** This process has committed. */
  ring(kind: Kind): void
  ringAll(): void
  /** Resolves as soon as the count is above `heard`, after `ms`, or when the signal aborts. */
  next(kind: Kind, heard: number, ms: Millis, signal?: AbortSignal): Promise<void>
  /** Whether a task was announced since this was last asked that is due by now in one of the queues. */
  announced(queues: readonly number[], now: Millis): boolean
  /** Whether notifications arrive, once that is known; for those who attend. */
  proven(): Promise<boolean>
  /** Resolves when everything sent to us so far has rung. */
  settled(): Promise<void>
  close(): Promise<void>
}

const KINDS: readonly Kind[] = ["work", "ended", "schedules", "events", "commands"]

/** The class of the lock that those share who wait for a kind; the first two kinds have one class. */
const CLASSES = { schedules: 1_400_136_046, events: 1_400_136_047, commands: 1_400_136_048 }

/** While nothing can be heard, how often to look; and the safety net while it can. */
const DEAF_TICK: Millis = 100
const HEARING_TICK: Millis = 1000

/** How long we stay among those who wait after the last wait: a worker comes and goes all the time. */
const LINGER: Millis = 1000

/** A transaction that began before we registered does not tell us: look again when it must be over. */
const LATE_LOOKS: readonly Millis[] = [5, 25, 125]

/** Longer than this nobody waits to be registered; the ticks go on meanwhile. */
const REGISTER_MS: Millis = 250
const PROBE_MS: Millis = 2000

const ofEach = <T>(make: () => T) =>
  Object.fromEntries(KINDS.map((kind) => [kind, make()])) as Record<Kind, T>

export const channelOf = (ns: number): string => `stem_${ns}`

/**
 * Those who wait share an advisory lock; those who write ring only when it is held (see `stem.ring`, `stem.ring_schedules` and `stem.ring_class`). A session's
 * locks end with it, so nobody is told for long who is no more.
 */
export function createBell(ear: Connection, work: Connection, clock: Clock, ns: number): Bell {
  const notify = work.sql("SELECT pg_notify($1, $2)")
  const counts = ofEach(() => 0)
  const waiting = ofEach(() => 0)
  const waitedAt = ofEach(() => Number.NEGATIVE_INFINITY)
  const listeners = ofEach(() => new Set<() => void>())
  /** By queue, from when on the earliest announced task is due. */
  const ready = new Map<number, Millis>()
  let client: Client | undefined
  let registered = new Set<Kind>()
  let registering: Promise<void> | undefined
  let deaf = false
  let proven = false
  let proving: Promise<void> | undefined
  let ticker: ReturnType<typeof setTimeout> | undefined
  let tickAt = 0
  let netAt = machineClock.monotonic()
  let closed = false

  function ring(kind: Kind): void {
    counts[kind] += 1
    for (const wake of listeners[kind]) wake()
  }

  const locked = (kind: Kind) =>
    kind === "work" || kind === "ended"
      ? ([1_400_136_045, ns * 2 + KINDS.indexOf(kind)] as const)
      : ([CLASSES[kind], ns] as const)
  const hearing = (kind: Kind) => ear.up && !deaf && registered.has(kind)

  /** Joins those who wait for what is waited for here. */
  async function register(): Promise<void> {
    await ear.use(async (live) => {
      if (live !== client) await listen(live)
      if (deaf) return
      for (const kind of KINDS) {
        if (waiting[kind] === 0 || registered.has(kind)) continue
        await live.query("SELECT pg_advisory_lock_shared($1, $2)", locked(kind))
        registered.add(kind)
        for (const ms of LATE_LOOKS) setTimeout(() => ring(kind), ms).unref()
      }
    })
  }

  async function listen(live: Client): Promise<void> {
    client = live
    registered = new Set()
    deaf = live.pooled
    proven = false
    const { ended } = live
    live.ended = () => {
      ended()
      tickIn(DEAF_TICK)
    }
    live.heard = (payload) => {
      if (payload === `${live.pid}`) proven = true
      const [said, queue, due] = payload.split(" ").map(Number) as [number, number?, number?]
      if (queue !== undefined && due !== undefined) ready.set(queue, Math.min(due, ready.get(queue) ?? due))
      const kind = KINDS[said]
      if (kind) ring(kind)
    }
    if (deaf) return
    await live.script(`LISTEN ${channelOf(ns)}`)
    proving = prove(live)
  }

  /** Whether a notification from another session arrives here. */
  async function prove(live: Client): Promise<void> {
    await notify.all(channelOf(ns), `${live.pid}`).catch(() => {})
    for (const start = machineClock.monotonic(); !proven && machineClock.monotonic() - start < PROBE_MS; )
      await machineClock.sleep(PROBE_MS / 100)
    if (client === live && !proven) deaf = true
  }

  function registerSoon(): Promise<void> {
    registering ??= register()
      .catch(() => {})
      .finally(() => {
        registering = undefined
      })
    return registering
  }

  const isDeafTo = (kind: Kind) => waiting[kind] > 0 && !hearing(kind)

  /** Looks after those who wait: at each tick while they are deaf, once in a while when they are not. */
  function tick(): void {
    ticker = undefined
    const now = machineClock.monotonic()
    const isNet = now - netAt > HEARING_TICK - DEAF_TICK
    if (isNet) netAt = now
    for (const kind of KINDS) {
      if (isDeafTo(kind) || (waiting[kind] > 0 && isNet)) ring(kind)
      if (waiting[kind] === 0 && now - waitedAt[kind] > LINGER && registered.has(kind)) leave(kind)
    }
    const isDeaf = KINDS.some(isDeafTo)
    if (isDeaf && !(deaf && ear.up)) void registerSoon()
    if (KINDS.some((kind) => waiting[kind] > 0 || registered.has(kind)))
      tickIn(isDeaf ? DEAF_TICK : HEARING_TICK)
  }

  /** The next tick is no later than in so long. */
  function tickIn(ms: Millis): void {
    const at = machineClock.monotonic() + ms
    if (closed || (ticker && tickAt <= at)) return
    clearTimeout(ticker)
    ticker = setTimeout(tick, ms)
    ticker.unref()
    tickAt = at
  }

  function leave(kind: Kind): void {
    registered.delete(kind)
    if (!ear.up) return
    ear.use((live) => live.query("SELECT pg_advisory_unlock_shared($1, $2)", locked(kind))).catch(() => {})
  }

  return {
    async attend(kind, run) {
      waiting[kind] += 1
      tickIn(hearing(kind) ? HEARING_TICK : DEAF_TICK)
      try {
        if (!closed && !hearing(kind) && !(deaf && ear.up)) {
          const late = new AbortController()
          await Promise.race([registerSoon(), machineClock.sleep(REGISTER_MS, late.signal)])
          late.abort()
        }
        return await run()
      } finally {
        waiting[kind] -= 1
        waitedAt[kind] = machineClock.monotonic()
      }
    },

    heard: (kind) => counts[kind],
    ring,
    ringAll: () => KINDS.forEach(ring),

    async next(kind, heard, ms, signal) {
      if (counts[kind] > heard || closed || signal?.aborted) return
      const bell = alarm()
      const wake = bell.ring
      listeners[kind].add(wake)
      signal?.addEventListener("abort", wake, { once: true })
      await clock.sleep(ms, bell)
      signal?.removeEventListener("abort", wake)
      listeners[kind].delete(wake)
    },

    announced(queues, now) {
      const found = queues.some((queue) => (ready.get(queue) ?? Number.POSITIVE_INFINITY) <= now)
      ready.clear()
      return found
    },

    async proven() {
      await registering
      await proving
      return proven && !deaf
    },

    async settled() {
      await registering
      if (ear.up) await ear.use((live) => live.query("SELECT 1", []))
    },

    async close() {
      closed = true
      clearTimeout(ticker)
      await ear.close()
    },
  }
}
