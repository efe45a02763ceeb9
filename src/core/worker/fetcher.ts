import type { Broker } from "../contracts/broker.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import type { Delivery } from "../task/lease.ts"
import type { Pulse } from "./pulse.ts"

/** What a fetcher needs. */
export interface FetcherParts {
  readonly broker: Broker
  readonly store: StoreWatch
  readonly clock: Clock
  readonly pulse: Pulse
  readonly holder: string
  readonly leaseMs: Millis
  /** The queues, the one to take from first in front; asked anew for each reserve. */
  readonly queues: () => readonly string[]
  /** Free slots now. */
  readonly free: () => number
  /** Resolves when there is a free slot, or the signal aborts. */
  readonly slot: (signal: AbortSignal) => Promise<void>
  /**
   * Takes the deliveries, more than there are free slots maybe; `began` is when the call that leased them began, by
   * the monotonic clock. Answers how many were refused by a limit, once the store has them again.
   */
  readonly take: (deliveries: readonly Delivery[], began: Millis) => number | Promise<number>
  /** Sleeps until there may be something to have, at the latest until `wakeAt`. Answers whether to go on. */
  readonly rest: (wakeAt: Millis, signal: AbortSignal) => Promise<boolean>
}

/** How many more than there is room for are looked at, behind tasks that limits keep from running. */
const FIRST_LOOK = 64
const FARTHEST_LOOK = 500

/**
 * Takes work for the free slots: reclaims what the dead have left, reserves what is ready, and when
 * there is neither rests until the store says when to look again. Returns when the signal aborts, or when
 * `rest` says that it is enough.
 */
export async function fetcher(parts: FetcherParts, signal: AbortSignal): Promise<void> {
  const { broker, clock, pulse, store, holder, leaseMs } = parts
  const reclaimEvery = Math.min(leaseMs / 4, 1000)
  let reclaimedAt = Number.NEGATIVE_INFINITY

  let look = 0
  /** Something new is why it woke: that is taken at once, and what the dead have left after it. */
  let rung = false

  const ask = () => ({ queues: parts.queues(), max: parts.free() + look, holder, leaseMs })
  const took = async (deliveries: readonly Delivery[], began: Millis) => {
    const { length } = deliveries
    if (length === 0) return 0
    const taken = parts.take(deliveries, began)
    const refused = typeof taken === "number" ? taken : await pulse.turn(taken)
    look = 2 * refused > length ? Math.min(Math.max(FIRST_LOOK, 2 * look), FARTHEST_LOOK) : 0
    return length
  }

  /** Answers whether the store did. */
  async function takeLost(): Promise<boolean> {
    const began = clock.monotonic()
    const lost = await store.insist(() => pulse.turn(broker.reclaim(ask())), signal)
    if (!lost) return false
    reclaimedAt = began
    await took(lost, began)
    return true
  }
  const lostAreDue = () => parts.free() > 0 && clock.monotonic() - reclaimedAt >= reclaimEvery

  while (!signal.aborted) {
    await pulse.pause(parts.slot(signal))
    if (signal.aborted) return
    // There may be fewer slots since it woke.
    if (parts.free() < 1) continue
    const hasRung = rung
    rung = false
    if (!hasRung && lostAreDue() && !(await takeLost())) return
    if (parts.free() < 1) continue
    const began = clock.monotonic()
    const reserved = await store.insist(() => pulse.turn(broker.reserve(ask())), signal)
    if (!reserved) return
    const { deliveries, wakeAt = Number.POSITIVE_INFINITY } = reserved
    // Fewer than asked for, and all of them run: what comes after them rings, so there is no need to look once more.
    if ((await took(deliveries, began)) > 0 && (reserved.wakeAt === undefined || look > 0)) continue
    if (hasRung && lostAreDue() && !(await takeLost())) return
    if (!(await pulse.turn(parts.rest(wakeAt, signal)))) return
    // A lease that ran out may be why it woke, so the next round looks for lost ones first.
    rung = wakeAt > clock.now()
    if (!rung) reclaimedAt = Number.NEGATIVE_INFINITY
  }
}
