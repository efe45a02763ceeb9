import type { Clock } from "../kit/clock.ts"
import { type Duration, parseDuration } from "../kit/duration.ts"
import { uuidv7 } from "../kit/id.ts"
import { toJson } from "../kit/json.ts"
import type { EnqueueOptions } from "../task/context.ts"
import { type Envelope, parseEnvelope } from "../task/envelope.ts"

/** Priority of a task about which nobody said anything. */
export const DEFAULT_PRIORITY = 5
/** Queue of a task about which nobody said anything. */
export const DEFAULT_QUEUE = "default"

/** What to send: a task's name, its input, and what is said about it. */
export interface EnvelopeAsk {
  task: string
  input?: unknown
  options?: EnqueueOptions
  parent?: { id: string; root: string }
}

/**
 * Makes an envelope and checks every field. Throws `malformed_envelope`, `invalid_duration`,
 * `not_representable` or `too_large`.
 */
export function makeEnvelope(
  clock: Clock,
  { task, input = null, options = {}, parent }: EnvelopeAsk,
): Envelope {
  const now = clock.now()
  const json = toJson(input, `the input of ${task}`)
  const dueAt = options.at ? options.at.getTime() : now + (options.delay ? parseDuration(options.delay) : 0)
  return parseEnvelope({
    v: 1,
    id: options.id ?? uuidv7(clock),
    task,
    input: JSON.parse(json),
    queue: options.queue ?? DEFAULT_QUEUE,
    priority: options.priority ?? DEFAULT_PRIORITY,
    enqueuedAt: now,
    dueAt,
    ...(options.expires !== undefined && { expiresAt: expiry(options.expires, now) }),
    ...(options.retries !== undefined && { retry: { max: options.retries } }),
    ...((options.timeout || options.softTimeout) && {
      timeLimits: {
        ...(options.softTimeout && { softMs: parseDuration(options.softTimeout) }),
        ...(options.timeout && { hardMs: parseDuration(options.timeout) }),
      },
    }),
    headers: options.headers ?? {},
    ...(parent && { parent: parent.id, root: parent.root }),
  })
}

const expiry = (expires: Duration | Date, now: number) =>
  expires instanceof Date ? expires.getTime() : now + parseDuration(expires)
