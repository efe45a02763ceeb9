import type { Millis } from "../kit/clock.ts"
import type { Envelope } from "./envelope.ts"
import type { Failure } from "./failure.ts"
import type { Arrival, Group } from "./group.ts"
import type { Lease } from "./lease.ts"
import type { TaskStatus } from "./status.ts"

/** The decision about a finished run. Only `retry` costs an attempt. */
export type Verdict =
  | { readonly kind: "ack" }
  | { readonly kind: "retry"; readonly at: Millis; readonly reason: Failure }
  | { readonly kind: "release"; readonly at: Millis }
  | { readonly kind: "bury"; readonly reason: Failure }

/** A decision with all its effects. It lands whole or not at all. */
export interface Settlement {
  readonly lease: Lease
  readonly verdict: Verdict
  /** Present when the task ended: what people will see of it. */
  readonly status?: TaskStatus | undefined
  /** What follows from it. */
  readonly next: readonly Envelope[]
  /** Groups that follow from it; their members are among `next`. */
  readonly opens?: readonly Group[] | undefined
  /** What its group hears, once its part in it is over. */
  readonly arrive?: Arrival | undefined
  /** The key that its end sets free, unless it is held for a while. */
  readonly unique?: string | undefined
}

/** "stale": somebody else holds or has settled the task; nothing was changed. */
export type Settled = "settled" | "stale"
