import type { Broker } from "../contracts/broker.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { until, within } from "../kit/deadline.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import type { FetcherParts } from "./fetcher.ts"

/** The safety net under wake-ups that never arrive. */
const POLL: Millis = 5000
/** How often a worker that is to leave looks whether the tasks of others are done. */
const LOOK: Millis = 500
/** How many of the tasks that are due later it looks at. */
const NEXT = 100

interface RestParts {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly store: StoreWatch
  readonly clock: Clock
  readonly queues: () => readonly string[]
  /** Resolves when nothing is in this worker's hand, or the signal aborts. */
  readonly emptyHanded: (signal: AbortSignal) => Promise<void>
  readonly holdsAny: () => boolean
}

/** An idle worker's sleep: until the store rings, a task is due, or a lease runs out. */
export function restForWork(parts: RestParts): FetcherParts["rest"] {
  return async (wakeAt, signal) => {
    const instant = Math.min(wakeAt, parts.clock.now() + POLL)
    await until(parts.clock, instant, (over) => wait(parts, instant, over), signal)
    return true
  }
}

/** A store that can not be waited for is away; the next reserve is tried until it is back. */
const wait = ({ broker, store, queues }: RestParts, instant: Millis, signal: AbortSignal) =>
  store.attempt(() => broker.wait(queues(), instant, signal).then(() => true))

/**
 * The sleep of a worker that leaves when the queues are empty: when nothing waits, runs or is about to be retried,
 * here or at another worker, or is kept by a limit. What is scheduled for later does not keep it.
 */
export function restOrLeave(parts: RestParts): FetcherParts["rest"] {
  const { inspector, store, clock, queues } = parts
  return async (wakeAt, signal) => {
    if (!parts.holdsAny() && (await isEmpty())) return false
    const instant = Math.min(wakeAt, clock.now() + LOOK)
    await within(clock, LOOK, async (late) => {
      const over = AbortSignal.any([late, signal])
      const waits: Promise<unknown>[] = [wait(parts, instant, over)]
      if (parts.holdsAny()) waits.push(parts.emptyHanded(over))
      await Promise.race(waits)
    })
    return true
  }

  async function isEmpty(): Promise<boolean> {
    const mine = new Set(queues())
    const counts = await store.attempt(() => inspector.queues())
    if (!counts) return false
    const open = counts.filter((of) => mine.has(of.queue) && !of.paused)
    if (open.some((of) => of.ready + of.running + of.retrying > 0)) return false
    const later = open.filter((of) => of.scheduled > 0)
    const limited = await Promise.all(later.map(({ queue }) => holdsLimited(queue)))
    return !limited.includes(true)
  }

  /** Whether a limit keeps one of the next tasks: it is scheduled, but has been in a worker's hand before. */
  async function holdsLimited(queue: string): Promise<boolean> {
    const ask = { queue, states: ["scheduled"] as const, limit: NEXT }
    const next = await store.attempt(() => inspector.list(ask))
    return next?.some(({ status }) => status.token > 0) ?? true
  }
}
