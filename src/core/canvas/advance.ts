import type { Millis } from "../kit/clock.ts"
import type { Envelope } from "../task/envelope.ts"

const NOTHING: readonly Envelope[] = Object.freeze([])

/**
 * What follows a success: the next link of the task's chain, which takes the result as its input and carries the
 * rest of the chain. Its id is derived from its parent's, so that a doubled settlement can not double it.
 */
export function nextOf(envelope: Envelope, result: unknown, now: Millis): readonly Envelope[] {
  if (envelope.then === undefined) return NOTHING
  const [first, ...rest] = envelope.then
  if (!first) return NOTHING
  const link: Envelope = {
    ...first,
    id: `${envelope.id}/1`,
    input: first.input ?? result,
    enqueuedAt: now,
    dueAt: Math.max(now, first.dueAt),
    parent: envelope.id,
    root: envelope.root ?? envelope.id,
    then: rest,
  }
  return [link]
}
