import type { Millis } from "../kit/clock.ts"
import { derivedId } from "../kit/derived-id.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import { type Sending, start } from "./start.ts"

const NOTHING: Sending = Object.freeze({ envelopes: [], groups: [] })

/**
 * What follows a success: the next link of the task's chain, which is given the result and carries the rest of the
 * chain. Its id is derived, so that a doubled settlement can not double it.
 */
export function nextOf(envelope: Envelope, result: unknown, now: Millis): Sending {
  if (!envelope.then) return NOTHING
  const [first, ...rest] = envelope.then
  if (!first) return NOTHING
  const { id, root = id, queue, priority } = envelope
  const into: Sending = { envelopes: [], groups: [] }
  const link = rest.length > 0 ? { ...first, then: rest } : first
  start(
    link,
    { id: stepAfter(id), now, before: { result }, parent: id, root, from: { queue, priority } },
    into,
  )
  return into
}

/** The id of the task after this one in its chain: `a`, `a/1`, `a/2`, … */
export function stepAfter(id: TaskId): TaskId {
  const [, base, step] = /^(.*)\/(\d{1,9})$/.exec(id) ?? [undefined, id, "0"]
  return derivedId(base as string, `/${Number(step) + 1}`)
}
