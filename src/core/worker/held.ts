import type { AbortReason } from "../contracts/isolates.ts"
import type { Slot } from "../contracts/limits.ts"
import type { Millis } from "../kit/clock.ts"
import type { Refusal } from "../policy/gate.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Delivery } from "../task/lease.ts"
import type { Progress } from "../task/status.ts"

/** A delivery this worker has in its hand, from reserve to settled. */
export interface Held {
  readonly delivery: Delivery
  /** By the monotonic clock: after it the lease may be another's. */
  trustedUntil: Millis
  /** By the monotonic clock: when the last successful reserve or renew began. */
  renewedAt: Millis
  /** By the wall clock; absent while it does not run. */
  startedAt?: Millis
  /** Why its handler was aborted, the gravest reason winning. */
  aborted?: AbortReason
  /** Its isolate is about to be killed. */
  terminating?: boolean
  /** Not yet stored. */
  progress?: Progress
  /** Of its limits: held as long as its lease is, and given back when what it came to is stored. */
  slots?: readonly Slot[]
  /** By the wall clock: its limits let it start no sooner. */
  startAt?: Millis
  /** What it ends with before it has run, should it not even be asked for. */
  refusal?: Refusal
}

/** All of a worker's leases, by task id. */
export type Leases = Map<TaskId, Held>

/**
 * How long before its end a lease is no longer trusted: a fifth of it, at most five seconds, for a clock that
 * runs a little off and a store that answers late.
 */
export const marginOf = (leaseMs: Millis): Millis => Math.min(leaseMs / 5, 5000)
