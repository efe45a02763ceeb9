import type { Millis } from "../kit/clock.ts"
import { formatInstant } from "../kit/instant.ts"
import { createRouter, NO_ROUTING, type Router } from "../policy/routing.ts"
import { type Envelope, type TaskId, takeEnvelope } from "../task/envelope.ts"
import type { Schedule } from "../task/schedule.ts"
import { jitter } from "./jitter.ts"

/** The id of the task that a schedule fires at an instant: made of the pair, so that doing it twice is a duplicate. */
export const firingId = (name: string, nominalAt: Millis): TaskId =>
  `${name}@${formatInstant(nominalAt).replace(".000Z", "Z")}`

/** The header by which a handler learns the name of its schedule. */
export const SCHEDULE_HEADER = "stem-schedule"
/** The header by which a handler learns the nominal instant, whenever it runs. */
export const NOMINAL_HEADER = "stem-nominal-at"

const UNROUTED = createRouter(NO_ROUTING)

/** The envelope of one firing, routed where the schedule names no queue or priority. Jitter makes it due later, and delays nothing else. */
export function firingEnvelope(
  schedule: Schedule,
  nominalAt: Millis,
  now: Millis,
  router: Router = UNROUTED,
): Envelope {
  const { name, task, input, queue, priority, options } = schedule
  const { retry, timeLimits, headers, expiresInMs, defaults } = options
  return takeEnvelope({
    v: 1,
    id: firingId(name, nominalAt),
    task,
    input,
    ...router.route({ task, queue, priority, defaults }),
    enqueuedAt: now,
    dueAt: nominalAt + jitter(schedule, nominalAt),
    ...(expiresInMs !== undefined && { expiresAt: nominalAt + expiresInMs }),
    ...(retry && { retry }),
    ...(timeLimits && { timeLimits }),
    headers: { ...headers, [SCHEDULE_HEADER]: name, [NOMINAL_HEADER]: formatInstant(nominalAt) },
  })
}

/** The same for a firing that a person asks for: it expires so long after it was asked for, not after its instant. */
export function byHandEnvelope(
  schedule: Schedule,
  nominalAt: Millis,
  now: Millis,
  router: Router = UNROUTED,
): Envelope {
  const { expiresInMs } = schedule.options
  if (expiresInMs === undefined) return firingEnvelope(schedule, nominalAt, now, router)
  const options = { ...schedule.options, expiresInMs: expiresInMs + Math.max(0, now - nominalAt) }
  return firingEnvelope({ ...schedule, options }, nominalAt, now, router)
}
