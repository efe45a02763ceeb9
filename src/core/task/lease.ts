import type { Millis } from "../kit/clock.ts"
import type { Envelope, TaskId } from "./envelope.ts"
import type { Replay } from "./status.ts"

/**
 * Proof of ownership of one task. The token counts how often the task has been leased; it only grows, and it
 * alone decides who may renew or settle.
 */
export interface Lease {
  readonly id: TaskId
  readonly holder: string
  readonly token: number
  readonly expiresAt: Millis
  /** What a store that leases many tasks at once finds this one by. For the store alone, which is handed it back. */
  readonly reservation?: number
  readonly seq?: number
}

/** An envelope and its lease, in a worker's hand. */
export interface Delivery {
  readonly envelope: Envelope
  readonly lease: Lease
  /** 1 for the first. Retries and lost leases count, releases do not. */
  readonly attempt: number
  /** Whoever held it before was lost; the attempt that was lost is counted in `attempt` already. */
  readonly reclaimed: boolean
  /** When and why it was brought back from the dead letters, oldest first. */
  readonly replays: readonly Replay[]
}
