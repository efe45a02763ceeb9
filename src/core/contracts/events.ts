import type { Millis } from "../kit/clock.ts"
import type { SeenEvent, StoredEvent } from "../task/event.ts"

/**
 * What has happened, in the order in which the store was told, for a bounded time. Events are told after the change
 * they are about, beside it and not with it: nothing may be decided from one, and a process that is killed between
 * the two takes its last events with it.
 *
 * A cursor is a place in this order, the same for every process. It is text that callers only keep and hand back;
 * it stays good when the store is restarted.
 */
export interface EventLog {
  /**
   * Adds events behind all others, in their order. Answers how many the log holds now, roughly. Not made durable
   * by itself: what other writes of the store survive, it survives with the next of them. Throws `unavailable`;
   * called again then, it may store them twice.
   */
  append(events: readonly StoredEvent[]): Promise<{ readonly kept: number }>
  /**
   * What comes after the cursor, oldest first, at most `max`; it may be less, but nothing only at the end. Throws
   * `invalid_cursor`.
   */
  read(cursor: string, max: number): Promise<EventPage>
  /** What comes before the cursor, oldest first, the latest `max` of it; the answer's cursor is where they begin. */
  back(cursor: string, max: number): Promise<EventPage>
  /** Before everything that is kept, after it, or before what was added at this instant or later. */
  position(where: "oldest" | "newest" | Millis): Promise<string>
  /**
   * Removes the oldest until at most `keep` are left, by whole batches, and all that were added before an instant; in
   * one call no more than a bounded number. Answers how many it removed.
   */
  prune(how: { readonly keep: number; readonly before: Millis }): Promise<number>
  /**
   * Resolves when there may be something after the cursor, at `until`, or when the signal aborts. A hint: it may
   * resolve for nothing, and a caller polls besides. It resolves too when the store is closed.
   */
  wait(cursor: string, until: Millis, signal: AbortSignal): Promise<void>
}

/** How much of it is kept: so many events, and none that is older. */
export interface EventRetention {
  readonly keep: number
  readonly ageMs: Millis
}

/** A part of the log. */
export interface EventPage {
  readonly events: readonly SeenEvent[]
  /** To go on with. */
  readonly cursor: string
  /** Something between the cursor that was asked for and the first event has been removed: it is missing here. */
  readonly gap: boolean
}
