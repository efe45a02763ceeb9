import type { Broker } from "../contracts/broker.ts"
import type { Isolates } from "../contracts/isolates.ts"
import type { Limiter, Slot } from "../contracts/limits.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { inTime } from "../kit/deadline.ts"
import type { Listener } from "../observe/events.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import { aboutTask } from "./about.ts"
import { type Held, type Leases, marginOf } from "./held.ts"
import type { Pulse } from "./pulse.ts"

interface Parts {
  readonly leases: Leases
  readonly broker: Broker
  readonly isolates: Isolates
  readonly store: StoreWatch
  readonly clock: Clock
  readonly emit: Listener
  readonly leaseMs: Millis
  readonly pulse: Pulse
  readonly limits: Limiter
}

/** How long a cancelled handler has before `--terminate` kills its isolate. */
const TERMINATE_GRACE: Millis = 1000

/**
 * Keeps every lease, in the supervisor, whatever the handlers do: renews three times a lease and at least once a
 * second (so that a cancel is heard within two), stores progress on the way, and aborts a handler whose lease is
 * lost or no longer to be trusted. Runs until the signal aborts.
 */
export async function heartbeat(parts: Parts, signal: AbortSignal): Promise<void> {
  const every = Math.min(parts.leaseMs / 3, 1000)
  while (!signal.aborted) {
    await parts.clock.sleep(every, signal)
    if (signal.aborted) return
    await beat(parts, every)
    parts.pulse.beat()
  }
}

async function beat(parts: Parts, every: Millis): Promise<void> {
  const { leases, clock, broker, leaseMs } = parts
  const began = clock.monotonic()
  distrust(parts, began)
  const due: Held[] = []
  for (const held of leases.values())
    if (held.aborted !== "lease_lost" && (held.progress || began - held.renewedAt >= every / 2))
      due.push(held)
  if (due.length === 0) return

  const renewals = due.map((held) => {
    const progress = held.progress
    delete held.progress
    return { lease: held.delivery.lease, progress }
  })
  // A store that does not answer in time is as good as one that answers no: the next beat asks again.
  const answers = await inTime(
    clock,
    leaseMs / 3,
    parts.store.attempt(() => broker.renew(renewals, leaseMs)),
  )
  if (!answers) {
    due.forEach((held, at) => {
      const progress = renewals[at]?.progress
      if (progress) held.progress ??= progress
    })
    distrust(parts, clock.monotonic())
    return
  }
  const kept: Slot[] = []
  due.forEach((held, at) => {
    const answer = answers[at]
    if (!answer || leases.get(held.delivery.envelope.id) !== held) return
    if (answer.kind === "stale") {
      lose(parts, held)
      return
    }
    if (held.slots) kept.push(...held.slots)
    held.renewedAt = began
    held.trustedUntil = began + leaseMs - marginOf(leaseMs)
    if (answer.cancel) stopTask(parts, held, answer.cancel)
  })
  if (kept.length === 0) return
  // As the leases: who does not hear from the store in time asks again at the next beat.
  await inTime(
    clock,
    leaseMs / 3,
    parts.store.attempt(() => parts.limits.keep(kept, leaseMs).then(() => true)),
  )
}

function distrust(parts: Parts, now: Millis): void {
  for (const held of parts.leases.values()) if (now >= held.trustedUntil) lose(parts, held)
}

function lose({ isolates, emit }: Parts, held: Held): void {
  if (held.aborted === "lease_lost") return
  held.aborted = "lease_lost"
  const { envelope, lease } = held.delivery
  isolates.abort(envelope.id, lease.token, "lease_lost")
  emit({ kind: "lease_lost", ...aboutTask(held.delivery) })
}

/** Stops a task whose cancellation is in the store: its signal aborts, and where that does not help it is killed. */
export function stopTask(
  { isolates, clock, leases }: Pick<Parts, "isolates" | "clock" | "leases">,
  held: Held,
  how: "abort" | "terminate",
): void {
  const { envelope, lease } = held.delivery
  if (!held.aborted || held.aborted === "soft_time_limit" || held.aborted === "shutdown") {
    held.aborted = "cancelled"
    isolates.abort(envelope.id, lease.token, "cancelled")
  }
  if (how === "terminate" && !held.terminating) {
    held.terminating = true
    void clock.sleep(TERMINATE_GRACE).then(() => {
      if (leases.get(envelope.id) === held) isolates.terminate(envelope.id, lease.token)
    })
  }
}
