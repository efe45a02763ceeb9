import type { Clock } from "../kit/clock.ts"
import { type Duration, parseDuration } from "../kit/duration.ts"
import { uuidv7 } from "../kit/id.ts"
import { jsonCopy } from "../kit/json.ts"
import { createRouter, NO_ROUTING, type RouteAsk, type Router } from "../policy/routing.ts"
import { type Envelope, takeEnvelope } from "../task/envelope.ts"
import type { EnqueueOptions } from "../task/options.ts"
import { refuseNonsense } from "./sense.ts"
import { fairOf, uniqueOf } from "./unique.ts"

const UNROUTED = createRouter(NO_ROUTING)

/** What to send: a task's name, its input, and what is said about it. */
export interface EnvelopeAsk {
  task: string
  input?: unknown
  options?: EnqueueOptions
  /** What the task's definition says of where it goes. */
  defaults?: RouteAsk["defaults"]
  parent?: { id: string; root: string }
}

/**
 * Makes an envelope, routed where its sender said nothing, and checks every field. Throws `malformed_envelope`, `invalid_duration`,
 * `not_representable`, `too_large`, `expires_too_soon` or `limits_crossed`.
 */
export function makeEnvelope(
  clock: Clock,
  { task, input = null, options = {}, defaults, parent }: EnvelopeAsk,
  router: Router = UNROUTED,
): Envelope {
  const now = clock.now()
  const { queue, priority } = router.route({
    task,
    defaults,
    queue: options.queue,
    priority: options.priority,
  })
  const dueAt = options.at ? options.at.getTime() : now + (options.delay ? parseDuration(options.delay) : 0)
  const plain = {
    v: 1,
    id: options.id ?? uuidv7(clock, now),
    task,
    input: jsonCopy(input, () => `the input of ${task}`),
    queue,
    priority,
    enqueuedAt: now,
    dueAt,
    headers: options.headers ? { ...options.headers } : {},
  }
  const more = hasMore(options) ? moreOf(options, now) : undefined
  // A handler that runs again sends its children again: those it has sent are there, whatever the time is now.
  if (more && !parent) refuseNonsense({ now, dueAt, ...more })
  // A file of tasks is a million of these, and to copy one costs as much as to make it.
  if (!more && !options.unique && options.fair === undefined && !parent) return takeEnvelope(plain)
  return takeEnvelope({
    ...plain,
    ...more,
    ...(options.unique && { unique: uniqueOf(task, input, options.unique) }),
    ...(options.fair !== undefined && { fair: fairOf(options.fair) }),
    ...(parent && { parent: parent.id, root: parent.root }),
  })
}

/** Most tasks bring nothing of this. */
const hasMore = ({ expires, retries, timeout, softTimeout }: EnqueueOptions) =>
  expires !== undefined || retries !== undefined || timeout || softTimeout

const moreOf = ({ expires, retries, timeout, softTimeout }: EnqueueOptions, now: number) => ({
  ...(expires !== undefined && { expiresAt: expiry(expires, now) }),
  ...(retries !== undefined && { retry: { max: retries } }),
  ...((timeout || softTimeout) && {
    timeLimits: {
      ...(softTimeout && { softMs: parseDuration(softTimeout) }),
      ...(timeout && { hardMs: parseDuration(timeout) }),
    },
  }),
})

const expiry = (expires: Duration | Date, now: number) =>
  expires instanceof Date ? expires.getTime() : now + parseDuration(expires)
