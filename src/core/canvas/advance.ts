import type { Millis } from "../kit/clock.ts"
import type { Envelope } from "../task/envelope.ts"
import { stepAfter } from "../task/steps.ts"
import { type Sending, start } from "./start.ts"

const NOTHING: Sending = Object.freeze({ envelopes: [], groups: [] })

/**
 * What follows a success: the next link of the task's chain, which is given the result and carries the rest of the
 * chain. Its id is derived, so that a doubled settlement can not double it.
 */
export function nextOf(envelope: Envelope, result: unknown, now: Millis): Sending {
  const { then, id, root = id, queue, priority } = envelope
  const first = then?.[0]
  if (!first) return NOTHING
  const into: Sending = { envelopes: [], groups: [] }
  const link = then.length > 1 ? { ...first, then: then.slice(1) } : first
  start(
    link,
    { id: stepAfter(id), now, before: { result }, parent: id, root, from: { queue, priority } },
    into,
  )
  return into
}
