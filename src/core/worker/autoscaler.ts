import type { Inspector } from "../contracts/inspector.ts"
import type { Presence, WorkerRegistry } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import { type AutoscalePolicy, autoscale, firstAutoscaleState } from "../policy/autoscale.ts"
import type { Delivery } from "../task/lease.ts"
import type { Sizing } from "./sizing.ts"
import type { Slots } from "./slots.ts"

interface Parts {
  readonly policy: AutoscalePolicy
  readonly sizing: Sizing
  readonly slots: Slots
  readonly waits: Waits
  readonly inspector: Inspector
  readonly registry: Pick<WorkerRegistry, "list">
  /** The worker's own. */
  readonly id: string
  readonly store: StoreWatch
  readonly clock: Clock
  readonly queues: () => readonly string[]
}

/** How often it looks. */
const EVERY: Millis = 1000
/** A store that takes long to count is asked at most this share of the time. */
const SHARE = 10

/**
 * Looks at the backlog of the worker's queues, at how long its tasks had to wait and at the workers that could grow too,
 * and changes its size within the bounds. A store that can not be asked changes nothing. Runs until the signal aborts.
 */
export async function autoscaler(parts: Parts, signal: AbortSignal): Promise<void> {
  const { policy, sizing, slots, waits, inspector, registry, id, store, clock, queues } = parts
  let state = firstAutoscaleState(clock.monotonic())
  let pause = EVERY
  while (!signal.aborted) {
    await clock.sleep(pause, signal)
    if (signal.aborted) return
    const asked = clock.monotonic()
    const counts = await store.attempt(() => inspector.queues())
    const now = clock.monotonic()
    pause = Math.max(EVERY, SHARE * (now - asked))
    if (!counts || signal.aborted) continue
    const mine = new Set(queues())
    const open = counts.filter(({ queue, paused, ready }) => mine.has(queue) && !paused && ready > 0)
    const oldest = Math.min(...open.map(({ oldestReadyAt }) => oldestReadyAt ?? clock.now()))
    const [concurrency, peak] = [sizing.concurrency(), slots.peak()]
    // The others are of interest to one that would grow.
    const present =
      open.length > 0 && peak >= concurrency ? await store.attempt(() => registry.list()) : undefined
    if (signal.aborted) return
    const peers = (present ?? []).filter((one) => one.id !== id && mayGrow(one, open))
    const decision = autoscale(
      policy,
      state,
      {
        ...{ concurrency, peak },
        others: peers.length,
        ready: open.reduce((sum, { ready }) => sum + ready, 0),
        oldestWaitMs: open.length === 0 ? 0 : Math.max(0, clock.now() - oldest),
        tookWaitMs: waits.mean(),
      },
      now,
    )
    state = decision.state
    if (decision.to !== undefined) sizing.resize(decision.to, decision.reason ?? "")
  }
}

/** Whether a worker takes from one of these queues, and could run more at once than it says that it does. */
const mayGrow = (
  { state, autoscale: bounds, concurrency, queues }: Presence,
  open: readonly { readonly queue: string }[],
) =>
  state === "running" &&
  bounds !== undefined &&
  concurrency < bounds.most &&
  open.some(({ queue }) => queues.includes(queue))

/** How long the tasks that a worker took had been waiting. */
export interface Waits {
  note(deliveries: readonly Delivery[]): void
  /** Of what was noted since it was last asked; 0 when nothing was. */
  mean(): Millis
}

/** Measures first attempts only: how long another one has to wait is the retry policy's affair. */
export function measureWaits(clock: Clock): Waits {
  let sum = 0
  let count = 0
  return {
    note(deliveries) {
      const now = clock.now()
      for (const { attempt, envelope, replays } of deliveries) {
        if (attempt > 1 || replays.length > 0) continue
        sum += Math.max(0, now - envelope.dueAt)
        count += 1
      }
    },
    mean() {
      const mean = count === 0 ? 0 : sum / count
      sum = 0
      count = 0
      return mean
    },
  }
}
