import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Grant, LimitAsk } from "../task/limit.ts"

/**
 * How often tasks start and how many run at once, by key, across all workers. What is kept ends by itself: a slot
 * with its lease, a bucket once it is full, a place in a line when its task should have looked again.
 *
 * Each call is one step: no two workers are ever given the same token or slot. Of a key whose bucket gives a token
 * every `everyMs` and saves up `burst` of them, never more than `span / everyMs + burst` are granted in any span of
 * time, within one token.
 */
export interface Limiter {
  /**
   * Asks for a token of every bucket and a slot of every key that has a bound, for each task all or nothing, in
   * order, and grants no more than there is `room` for. Who is refused has taken nothing. Asked again under the same token, or a later one of the same task, a
   * slot that is held is not taken twice.
   */
  take(asks: readonly LimitAsk[], leaseMs: Millis, room: number): Promise<readonly Grant[]>

  /** Holds slots for `leaseMs` from now; one that is another's by now is left alone. */
  keep(slots: readonly Slot[], leaseMs: Millis): Promise<void>

  /**
   * Gives slots back; one that is another's by now is left alone. What is free then is handed to those who are first
   * in the line, and answered: these tasks are to be made due, and their slots freed where that can not be.
   */
  free(slots: readonly Slot[]): Promise<readonly Slot[]>

  /**
   * Puts tasks into the line for a slot, after they were handed back: a slot that became free in between is handed
   * on at once, and answered as `free` does.
   */
  park(waits: readonly Wait[]): Promise<readonly Slot[]>

  /** Removes at most so much of what has ended; answers how much there was. Nothing where the store does it itself. */
  prune(max: number): Promise<number>
}

/** A slot of a key, as its task has it: by the token of its lease, or by 0 when it was handed to it and not yet taken. */
export interface Slot {
  readonly key: string
  readonly id: TaskId
  readonly token: number
  /** How many slots the key has. */
  readonly most: number
}

/** A task that waits for a slot of a key. */
export interface Wait {
  readonly key: string
  readonly id: TaskId
  readonly most: number
  /** When it looks by itself, and its place in the line. Who is still in it long after is forgotten. */
  readonly retryAt: Millis
}
