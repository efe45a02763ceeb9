import type { EventLog } from "../contracts/events.ts"
import type { Clock } from "../kit/clock.ts"
import { invalid } from "../kit/errors.ts"
import { type EventFilter, followEvents, type Gap } from "../observe/follow.ts"
import type { SeenEvent } from "../task/event.ts"

/** Which events a program reads, and from where on. */
export interface EventsOptions extends EventFilter {
  /**
   * `now` (the default), `oldest`, an instant, or the cursor of an event that was read before, by this process or
   * another.
   */
  readonly from?: "now" | "oldest" | Date | { readonly cursor: string }
  /** Whether to wait for more; false ends with what is there. Default: true. */
  readonly follow?: boolean
  /** Ends it, also while it waits. */
  readonly signal?: AbortSignal
}

/** What an iteration gives: events, and in their place a gap where the retention has removed them. */
export type Told = SeenEvent | Gap

/** The events of open stores, for a program. Throws `invalid_from` for a place that is none. */
export const eventsOf =
  (log: Pick<EventLog, "read" | "wait" | "position">, clock: Clock) =>
  ({
    from = "now",
    follow = true,
    signal,
    ...filter
  }: EventsOptions = {}): AsyncGenerator<Told, void, undefined> =>
    followEvents({ ...{ log, clock, filter, signal, live: follow }, from: startOf(from) })

function startOf(from: NonNullable<EventsOptions["from"]>) {
  if (from === "now") return { position: "newest" as const }
  if (from === "oldest") return { position: from }
  if (from instanceof Date && !Number.isNaN(from.getTime())) return { position: from.getTime() }
  const { cursor } = (from ?? {}) as { readonly cursor?: unknown }
  if (typeof cursor === "string") return { cursor }
  throw invalid(
    "invalid_from",
    `events: from: ${typeof from === "string" ? `"${from}"` : String(from)} is no place to begin at`,
    'Give "now", "oldest", a Date, or { cursor } of an event that was read before.',
  )
}
