import type { Millis } from "../kit/clock.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import type { Group } from "../task/group.ts"
import type { Delivery, Lease } from "../task/lease.ts"
import type { Progress, TaskState, TaskStatus } from "../task/status.ts"
import type { Settled, Settlement } from "../task/verdict.ts"

/**
 * Where waiting and running tasks live.
 *
 * What a lease means; each sentence is a test of the conformance exam:
 *
 * 1. A token counts how often a task has been leased; it only grows; it is the whole proof of ownership.
 * 2. While a lease lives, no reserve returns the task. When it has run out, only reclaim may take it, with the
 *    next token.
 * 3. renew and settle compare the token: an older one changes nothing and hears "stale". A lease that ran out
 *    but was not reclaimed may still settle.
 * 4. A settlement lands whole or not at all: lease closed, status written, next enqueued. A batch is not one
 *    transaction; answers come in order.
 * 5. Delivery is at least once. Inside Stem every effect of finishing happens once, because it travels with the
 *    token; effects outside are the handler's, who gets an idempotency key and the token to fence with.
 * 6. A worker trusts its lease only until (start of the last successful reserve or renew + lease length -
 *    margin) by its own monotonic clock, and aborts the handler then.
 *
 * Every method answers only after the store has made the change durable, and throws `unavailable` when it can
 * not: then nothing of the call is known to be stored, and calling again is safe.
 */
export interface Broker {
  /**
   * Stores envelopes, in order. An id the store already knows, live or ended, is a duplicate and changes nothing. So is
   * one whose `unique` key is taken: the answer then names the task that has it. A key is taken for as long as the task
   * that has it waits or runs, or as its window lasts, and not an instant longer, whatever became of that task.
   *
   * Groups are opened when all envelopes of the call are stored; one that is known already is left as it is.
   */
  enqueue(envelopes: readonly Envelope[], groups?: readonly Group[]): Promise<readonly Enqueued[]>

  /**
   * Leases up to `max` ready tasks: earlier queues of the list first, then the higher priority, then the key whose
   * turn it is, then the earlier due, then the earlier stored. Where a queue holds tasks with a `fair` key, keys take
   * turns within a priority, those without one as a key of their own: each turn costs its key 1 / weight, the key that
   * has spent the least is next, and one that comes anew has spent as much as the last that had a turn, so that no
   * backlog is in its way. Paused queues give nothing. A stored task that can not be read is buried at
   * once, kept raw among the dead letters, and its status says failed.
   */
  reserve(ask: ReserveAsk): Promise<Reserved>

  /**
   * Takes tasks whose lease has run out, at the cost of one attempt each, with the next token: earlier queues of
   * the list first, then the longest lost. Paused queues give nothing.
   */
  reclaim(ask: ReserveAsk): Promise<readonly Delivery[]>

  /** Keeps leases for `leaseMs` from now, and stores the progress they carry. Answers in order. */
  renew(renewals: readonly Renewal[], leaseMs: Millis): Promise<readonly Renewed[]>

  /**
   * Finishes runs. Answers in order. A status that has no progress or no trail of replays is given what the store
   * last knew. A status is written only with `ack` and `bury`: after the others the task is not over. Of one call,
   * whether a task has ended for what another sends, such as one with its unique key, is left to the store.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly Settled[]>
  /**
   * So many calls of settle are worth having under way at once, where the store takes them one after the other anyway
   * and would wait for the next. Absent where one is enough.
   */
  readonly settlesAtOnce?: number

  /**
   * Waiting tasks end as cancelled at once. Running ones are marked; their worker hears it at its next renew,
   * and a marked task never runs again: what comes back by retry, release or reclaim ends as cancelled.
   */
  cancel(ids: readonly TaskId[], how: { terminate: boolean }): Promise<readonly Cancelled[]>

  /** Makes tasks that wait for a later instant due now, and wakes those who sleep. Answers which. */
  hasten(ids: readonly TaskId[]): Promise<readonly TaskId[]>

  /**
   * Resolves when one of the queues may have something to reserve, at `until`, or when the signal aborts. A
   * hint: it may resolve for nothing, and a caller polls besides. A task stored after this driver's last
   * reserve began is never missed. It resolves too when the store is closed.
   */
  wait(queues: readonly string[], until: Millis, signal: AbortSignal): Promise<void>
}

/** Who takes how much from where, and for how long at first. */
export interface ReserveAsk {
  readonly queues: readonly string[]
  readonly max: number
  readonly holder: string
  readonly leaseMs: Millis
}

/** What a reserve gave. */
export interface Reserved {
  readonly deliveries: readonly Delivery[]
  /**
   * Set when fewer than `max` were ready: the earliest instant at which a scheduled task of these queues becomes
   * due or a lease runs out, if there is one. In the past it means that reclaim has something to take. Paused
   * queues do not count.
   */
  readonly wakeAt?: Millis | undefined
}

/** What became of one envelope. */
export interface Enqueued {
  /** Its own, or where its `unique` key was taken that of the task which has it. */
  readonly id: TaskId
  /** `replaced`: the task that waited has taken over what this one brought. */
  readonly kind: "stored" | "duplicate" | "replaced"
  /** The state of the stored task, or of the one that was there. */
  readonly state: TaskState
}

/** A lease to keep, and what its task says of itself meanwhile. */
export interface Renewal {
  readonly lease: Lease
  readonly progress?: Progress | undefined
}

/** Whether the lease is still held, and whether its task is to be stopped. */
export type Renewed =
  | { readonly kind: "held"; readonly expiresAt: Millis; readonly cancel?: "abort" | "terminate" | undefined }
  | { readonly kind: "stale" }

/** What became of one cancel. */
export interface Cancelled {
  readonly id: TaskId
  /** "asked": it is running and its worker will be told. "ended": it was over. */
  readonly kind: "cancelled" | "asked" | "ended" | "unknown"
  /** With "cancelled": the status that was written, or is to be where results live elsewhere. */
  readonly status?: TaskStatus | undefined
}
