import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Lease } from "../task/lease.ts"
import type { Settled } from "../task/verdict.ts"

/**
 * What a run leaves for the runs of the same task after it. A note is there for as long as its task waits, runs or is a
 * dead letter, and after that at most for as long as statuses of failures are kept.
 */
export interface Notes {
  /** Keeps a value under a name; the first one stays. "stale" when the lease is no longer the one: nothing was kept. */
  remember(lease: Lease, name: string, value: unknown): Promise<Settled>
  /** What was kept; undefined when there is nothing of this name. */
  recall(id: TaskId, name: string): Promise<{ readonly value: unknown } | undefined>
  /** Forgets what was kept before this instant for tasks that neither live nor are dead letters. Answers how many. */
  prune(before: Millis, max: number): Promise<number>
}
