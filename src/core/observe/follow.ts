import type { EventLog } from "../contracts/events.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { until } from "../kit/deadline.ts"
import { StemError } from "../kit/errors.ts"
import type { EventKind, SeenEvent } from "../task/event.ts"

/** Said in the place of events that were removed, by their retention, before they were read here. */
export interface Gap {
  readonly kind: "gap"
  readonly at: Millis
  readonly cursor: string
}

/** Which events are meant; what is absent does not narrow. Of a list, any will do. */
export interface EventFilter {
  readonly kinds?: readonly EventKind[] | undefined
  readonly tasks?: readonly string[] | undefined
  readonly queues?: readonly string[] | undefined
  readonly ids?: readonly string[] | undefined
}

/** What a follower is made of. */
export interface Following {
  readonly log: Pick<EventLog, "read" | "wait" | "position">
  readonly clock: Clock
  /** A cursor, or a position. */
  readonly from: { readonly cursor: string } | { readonly position: "oldest" | "newest" | Millis }
  readonly filter: EventFilter
  /** Whether to wait for more, or to end with what is there. */
  readonly live: boolean
  readonly signal?: AbortSignal | undefined
}

const PAGE = 1000
/** The safety net under a wait that never resolves. */
const POLL: Millis = 2000
const FIRST_PAUSE: Millis = 50
const LONGEST_PAUSE: Millis = 1000

/** Whether an event is meant. */
export const meets =
  ({ kinds, tasks, queues, ids }: EventFilter) =>
  ({ kind, task, queue, id }: SeenEvent): boolean =>
    (kinds === undefined || kinds.includes(kind)) &&
    among(tasks, task) &&
    among(queues, queue) &&
    among(ids, id)

const among = (list: readonly string[] | undefined, value: string | undefined) =>
  list === undefined || (value !== undefined && list.includes(value))

/**
 * Events in their order, each once. While the store is away it waits and goes on where it was. Ends when the signal
 * aborts, or when the store was closed here; throws `invalid_cursor`.
 */
export async function* followEvents(following: Following): AsyncGenerator<SeenEvent | Gap, void, undefined> {
  const { log, clock, from, live, signal = new AbortController().signal } = following
  const meant = meets(following.filter)
  let cursor =
    "cursor" in from ? from.cursor : await patiently(() => log.position(from.position), clock, signal)
  while (cursor !== undefined && !signal.aborted) {
    const at: string = cursor
    const page = await patiently(() => log.read(at, PAGE), clock, signal)
    if (!page) return
    if (page.gap) yield { kind: "gap", at: clock.now(), cursor: at }
    for (const event of page.events) {
      if (signal.aborted) return
      if (meant(event)) yield event
    }
    cursor = page.cursor
    if (page.events.length > 0) continue
    if (!live) return
    const next = clock.now() + POLL
    const wait = (over: AbortSignal) =>
      patiently(() => log.wait(page.cursor, next, over).then(() => true), clock, over)
    await until(clock, next, wait, signal)
  }
}

/** Asks until the store answers; undefined when it never will. */
async function patiently<T>(
  call: () => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StemError) || error.kind !== "unavailable") throw error
      if (error.code === "store_closed") return undefined
      await clock.sleep(pause, signal)
    }
  }
  return undefined
}
