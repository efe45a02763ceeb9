import { invalid } from "../kit/errors.ts"
import type { SeenEvent } from "./event.ts"
import { decodeEvents } from "./event-batch.ts"

/** A batch as it is stored. Ids of one store grow, as {@link compareBatches} orders them. */
export interface EventBatch {
  readonly id: string
  readonly text: string
}

/** A place in the log: after so many events of a batch. */
export interface Place {
  readonly batch: string
  /** Infinite: after all of them. */
  readonly index: number
}

/** Reads a cursor. Throws `invalid_cursor`. */
export function placeOf(cursor: string): Place {
  const match = CURSOR.exec(cursor)
  if (!match)
    throw invalid(
      "invalid_cursor",
      `"${cursor}" is no place in the events`,
      "Hand back a cursor as it was given; it belongs to one store.",
    )
  return {
    batch: match[1] as string,
    index: match[2] === undefined ? Number.POSITIVE_INFINITY : Number(match[2]),
  }
}

const CURSOR = /^(\d{1,20}(?:-\d{1,20})?)(?::(\d{1,9}))?$/

/** Of two batches' ids, which is earlier: negative when the first is. */
export function compareBatches(a: string, b: string): number {
  const [[a1, a2], [b1, b2]] = [partsOf(a), partsOf(b)]
  return a1 === b1 ? Number(a2 - b2) : a1 < b1 ? -1 : 1
}

const partsOf = (id: string): readonly [bigint, bigint] => {
  const [first, second = "0"] = id.split("-") as [string, string?]
  return [BigInt(first), BigInt(second)]
}

/** Whether what was removed, up to and with `trimmed`, holds something that comes after this place. */
export function hasGap({ batch, index }: Place, trimmed: string): boolean {
  const order = compareBatches(trimmed, batch)
  return order > 0 || (order === 0 && index !== Number.POSITIVE_INFINITY)
}

/** Batches that one read looks at: what was removed since can then be told from what was read. */
export const AT_ONCE = 16

/** The events after a place, at most `max`, of batches from its own on. */
export function readForward(batches: readonly EventBatch[], from: Place, max: number): Pages {
  const events: SeenEvent[] = []
  let { batch, index } = from
  for (const { id, text } of batches) {
    const skip = compareBatches(id, batch) === 0 ? index : 0
    if (skip === Number.POSITIVE_INFINITY) continue
    if (events.length >= max) break
    const seen = seenOf(id, text)
    const part = seen.slice(skip, skip + max - events.length)
    events.push(...part)
    const upTo = skip + part.length
    batch = id
    index = upTo < seen.length ? upTo : Number.POSITIVE_INFINITY
  }
  return { events, cursor: cursorOf(batch, index) }
}

/** Fetches up to `count` batches before this one, with it, the latest first. */
type Fetch = (batch: string, count: number) => Promise<readonly EventBatch[]>

const FIRST = 8
const MOST = 256

/** The last `max` events before a place, oldest first. */
export async function readBack(fetch: Fetch, from: Place, max: number): Promise<Pages> {
  const parts: (readonly SeenEvent[])[] = []
  let left = max
  let { batch, index } = from
  for (let count = FIRST; left > 0; count = Math.min(count * 4, MOST)) {
    const batches = await fetch(batch, count)
    for (const { id, text } of batches) {
      const seen = seenOf(id, text)
      const end = compareBatches(id, batch) === 0 ? Math.min(index, seen.length) : seen.length
      const begin = Math.max(0, end - left)
      parts.unshift(seen.slice(begin, end))
      left -= end - begin
      batch = id
      index = begin
      if (left <= 0) break
    }
    if (batches.length < count) break
  }
  return { events: parts.flat(), cursor: cursorOf(batch, index) }
}

/** Events, and where they end (read forward) or begin (read back). */
interface Pages {
  readonly events: readonly SeenEvent[]
  readonly cursor: string
}

const seenOf = (id: string, text: string): readonly SeenEvent[] => {
  const events = decodeEvents(text)
  return events.map((event, at) => ({
    ...event,
    cursor: cursorOf(id, at + 1 < events.length ? at + 1 : Number.POSITIVE_INFINITY),
  }))
}

const cursorOf = (batch: string, index: number) =>
  index === Number.POSITIVE_INFINITY ? batch : `${batch}:${index}`
