import type { Millis } from "../kit/clock.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import type { Lease } from "../task/lease.ts"
import type { Schedule } from "../task/schedule.ts"

/**
 * Where schedules live, and what they have done.
 *
 * A firing is the pair (schedule, nominal instant); it is unique in the store, so any number of Beats may claim,
 * decide and commit, be stopped and go on, and each instant fires once:
 *
 * 1. While the lease of a schedule lives, no claim returns it. When it has run out, any claim may.
 * 2. Each claim gives the next token. Commit compares it: an older one changes nothing and hears "stale".
 * 3. A commit lands whole or not at all: the firings with their tasks, the state, the lease closed. A batch is not
 *    one transaction; answers come in order.
 * 4. A pair that has fired does not fire again: its task is not stored, and its first record stays.
 * 5. A change of what decides the instants, a pause and a removal take the lease from whoever holds it, so that
 *    nothing decided by the old definition is committed.
 *
 * Where broker and schedules are two stores, core enqueues first and commits then. The id of a firing's task is
 * made of its pair, so that doing it twice is a duplicate.
 *
 * Every method answers only after the store has made the change durable, and throws `unavailable` when it can not.
 */
export interface ScheduleStore {
  /**
   * Stores definitions by name. A known one keeps its state and its history; its next instant is replaced only when
   * its cadence is another than before. A name that another source has defined is left as it is, here and in `sync`,
   * but for this: of two sources that are synced, the latest has the name.
   */
  put(puts: readonly SchedulePut[]): Promise<readonly ScheduleStored[]>
  /**
   * Puts all of one source, in one step, and removes those of the source that are not among them.
   */
  sync(source: string, puts: readonly SchedulePut[]): Promise<ScheduleSynced>
  /** Removes schedules with their history. Answers the names there were. */
  remove(names: readonly string[]): Promise<readonly string[]>
  /** In the order of the names; undefined where there is none. */
  get(names: readonly string[]): Promise<readonly (StoredSchedule | undefined)[]>
  /** All, by name. */
  list(): Promise<readonly StoredSchedule[]>
  /** Nothing is claimed of it until it is resumed. False: it was paused already, or is not there. */
  pause(name: string, why: string): Promise<boolean>
  /** It goes on with this next instant, its failures counted anew. False: it was not paused, or is not there. */
  resume(name: string, nextAt: Millis | undefined): Promise<boolean>
  /**
   * Makes those due at once, whatever their next instant, and takes them from whoever holds them; but for those that
   * are paused or not there.
   */
  recall(names: readonly string[]): Promise<void>

  /** Leases up to `max` schedules that are due, the longest due first. */
  claim(ask: ScheduleAsk): Promise<ScheduleClaim>
  /** Stores what a Beat has decided about schedules it holds. Answers in order. */
  commit(turns: readonly ScheduleTurn[]): Promise<readonly ScheduleCommitted[]>
  /**
   * Fires outside the turn, by hand: no lease, and the next instant stays. An instant that was skipped may be fired
   * so. Answers in order; "missing" where there is no such schedule.
   */
  fire(firings: readonly ByHand[]): Promise<readonly ("fired" | "duplicate" | "missing")[]>
  /** Newest instant first. The latest {@link HISTORY} instants of each schedule are kept. */
  history(name: string, limit: number): Promise<readonly FiringRecord[]>

  /**
   * Resolves when something may be due, at `until`, or when the signal aborts. A hint: it may resolve for nothing,
   * and a caller polls besides. What is stored after this driver's last claim began is never missed. It resolves
   * too when the store is closed.
   */
  wait(until: Millis, signal: AbortSignal): Promise<void>
}

/** How many firings of one schedule are remembered. */
export const HISTORY = 1000

/** The source of schedules that people add by command. */
export const BY_HAND = "command"

/** A definition to store. Its `source` is {@link BY_HAND}, or the name of what is synced together. */
export interface SchedulePut {
  readonly schedule: Schedule
  /** Everything that decides the instants, as one text. */
  readonly cadence: string
  /** The next instant by this definition; absent when there is none. */
  readonly nextAt?: Millis | undefined
}

/** What became of a put. "taken": the name is another source's, which is named. */
export type ScheduleStored =
  | { readonly kind: "added" | "changed" | "same"; readonly name: string }
  | { readonly kind: "taken"; readonly name: string; readonly source: string }

/** What became of a sync. */
export interface ScheduleSynced {
  readonly stored: readonly ScheduleStored[]
  readonly removed: readonly string[]
}

/** A schedule as it is stored. */
export interface StoredSchedule {
  readonly schedule: Schedule
  readonly state: ScheduleState
  /** Absent unless it is paused. */
  readonly paused?: { readonly at: Millis; readonly why: string } | undefined
}

/** What a schedule has come to. Everything but `nextAt` is kept when it is edited. */
export interface ScheduleState {
  /** The next nominal instant; absent when there is none any more. */
  readonly nextAt?: Millis | undefined
  /** The nominal instant and the task of the last firing. */
  readonly lastAt?: Millis | undefined
  readonly lastId?: TaskId | undefined
  /** How often it has fired in its turn. */
  readonly runs: number
  /** How many of its tasks failed one after the other, up to the last that is known to have ended. */
  readonly failures: number
  /** Tasks of earlier firings of which no end is known yet, oldest first. */
  readonly open: readonly TaskId[]
  /** An instant that fires as soon as the earlier tasks have ended. */
  readonly held?: Millis | undefined
}

/** Who takes how many, and for how long. */
export interface ScheduleAsk {
  readonly max: number
  readonly holder: string
  readonly leaseMs: Millis
}

/** A schedule in a Beat's hand. */
export interface ClaimedSchedule {
  readonly schedule: Schedule
  readonly state: ScheduleState
  readonly lease: Lease
}

/** What a claim gave. */
export interface ScheduleClaim {
  readonly due: readonly ClaimedSchedule[]
  /** Set when fewer than `max` were due: the earliest instant at which another becomes so, if there is one. */
  readonly wakeAt?: Millis | undefined
}

/** What a Beat has decided about one schedule. */
export interface ScheduleTurn {
  readonly lease: Lease
  /** Earliest instant first. */
  readonly firings: readonly Firing[]
  readonly state: ScheduleState
  /** When it is to be claimed again; absent: never. */
  readonly wakeAt?: Millis | undefined
  /** Present: it is paused from now on, and why. */
  readonly pause?: string | undefined
}

/** One instant, either fired with a task or skipped with a reason. */
export type Firing = {
  readonly nominalAt: Millis
  readonly firedAt: Millis
} & (Sent | { readonly skipped: string })

/** The task of a firing: to be stored here, or in another store already. */
export type Sent = { readonly envelope: Envelope } | { readonly id: TaskId }

/** A firing that a person asked for. */
export type ByHand = {
  readonly name: string
  readonly nominalAt: Millis
  readonly firedAt: Millis
} & Sent

/** What became of a turn, and of each of its firings. */
export type ScheduleCommitted =
  | { readonly kind: "committed"; readonly firings: readonly ("fired" | "duplicate" | "skipped")[] }
  | { readonly kind: "stale" }

/** One line of a schedule's history. */
export interface FiringRecord {
  readonly nominalAt: Millis
  readonly firedAt: Millis
  /** Of the decision; the task itself may wait longer, for its jitter and for a worker. */
  readonly latenessMs: Millis
  /** Absent when it was skipped. */
  readonly id?: TaskId | undefined
  readonly skipped?: string | undefined
  /** A person asked for it. */
  readonly byHand?: boolean | undefined
}
