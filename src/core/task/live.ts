import type { Millis } from "../kit/clock.ts"
import type { Envelope } from "./envelope.ts"
import type { Failure } from "./failure.ts"
import type { EndState, Progress, Replay, TaskState, TaskStatus } from "./status.ts"

/** What a store keeps of a task that waits or runs. Every store shows it by the functions below. */
export interface LiveFacts {
  readonly envelope: Envelope
  /** How often it has been leased. */
  readonly token: number
  /** Attempts paid for: those that ended in a retry or in a lost lease. */
  readonly attempts: number
  readonly dueAt: Millis
  /** Set while it is leased. */
  readonly holder?: string | undefined
  readonly startedAt?: Millis | undefined
  /** Of its last failed attempt. */
  readonly error?: Failure | undefined
  readonly progress?: Progress | undefined
  readonly replays?: readonly Replay[] | undefined
}

/** A task that waits after a paid attempt is "retrying", due or not; one that was only handed back is not. */
export function stateOf(
  facts: Pick<LiveFacts, "attempts" | "dueAt" | "holder">,
  now: Millis,
): "scheduled" | "queued" | "running" | "retrying" {
  if (facts.holder !== undefined) return "running"
  if (facts.attempts > 0) return "retrying"
  return facts.dueAt > now ? "scheduled" : "queued"
}

/** What people see of a live task. */
export const statusOf = (facts: LiveFacts, now: Millis): TaskStatus =>
  shown(facts, stateOf(facts, now), facts.holder === undefined ? { dueAt: facts.dueAt } : {})

/**
 * What people see of a task that its store ended by itself: cancelled, or failed because it could not be read.
 * A task that was leased has had that attempt.
 */
export const endedStatusOf = (facts: LiveFacts, state: EndState, now: Millis): TaskStatus =>
  shown(facts, state, { finishedAt: now })

function shown(
  facts: LiveFacts,
  state: TaskState,
  times: { dueAt?: Millis; finishedAt?: Millis },
): TaskStatus {
  const { envelope, token, attempts, holder, startedAt, error, progress, replays } = facts
  return {
    v: 1,
    id: envelope.id,
    task: envelope.task,
    queue: envelope.queue,
    state,
    attempt: holder === undefined ? attempts : attempts + 1,
    token,
    enqueuedAt: envelope.enqueuedAt,
    ...times,
    ...(startedAt !== undefined && { startedAt }),
    ...(holder !== undefined && { worker: holder }),
    ...(error && { error }),
    ...(progress && { progress }),
    ...(envelope.parent !== undefined && { parent: envelope.parent }),
    ...(envelope.group && { group: envelope.group }),
    ...(replays?.length && { replays }),
  }
}

/** A final status with what only the store knows: the progress last seen and the trail of replays. */
export function completed(
  status: TaskStatus,
  known: { progress?: Progress | undefined; replays?: readonly Replay[] | undefined },
): TaskStatus {
  const progress = status.progress ?? known.progress
  const replays = status.replays?.length ? status.replays : known.replays
  return { ...status, ...(progress && { progress }), ...(replays?.length && { replays }) }
}
