import type { FiringRecord, ScheduleState } from "../../core/contracts/schedules.ts"
import type { Presence } from "../../core/contracts/workers.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { deepFreeze } from "../../core/kit/freeze.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import type { EventBatch } from "../../core/task/event-pages.ts"
import type { Failure } from "../../core/task/failure.ts"
import { endedStatusOf, stateOf } from "../../core/task/live.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import type { Progress, Replay, TaskState, TaskStatus } from "../../core/task/status.ts"
import { type Bell, createBell } from "./bell.ts"

/** A task that waits or runs. */
export interface Live {
  envelope: Envelope
  token: number
  attempts: number
  dueAt: Millis
  /** Set, with `until`, while it is leased. */
  holder?: string | undefined
  until?: Millis | undefined
  startedAt?: Millis | undefined
  cancel?: "abort" | "terminate" | undefined
  error?: Failure | undefined
  progress?: Progress | undefined
  replays: readonly Replay[]
}

/** A schedule, its lease and its history by nominal instant. */
export interface Kept {
  schedule: Schedule
  cadence: string
  state: ScheduleState
  /** When it is to be claimed. */
  dueAt: Millis | undefined
  paused?: { at: Millis; why: string } | undefined
  token: number
  until?: Millis | undefined
  readonly firings: Map<Millis, FiringRecord>
}

/** The events of one namespace. A batch's id is when it came, in microseconds, and more than the one before. */
export interface KeptEvents {
  batches: (EventBatch & { readonly count: number })[]
  last: number
  kept: number
  /** The id of the latest batch that was removed. */
  trimmed: number
}

/** Everything one namespace of one store holds. Each task is in exactly one of `live` and `statuses`. */
export interface Store {
  readonly live: Map<string, Live>
  readonly statuses: Map<string, TaskStatus>
  /** With the token that a replay goes on from. */
  readonly dead: Map<string, { letter: DeadLetter; token: number }>
  readonly paused: Set<string>
  readonly workers: Map<string, { presence: Presence; until: Millis }>
  readonly schedules: Map<string, Kept>
  readonly events: KeptEvents
  readonly bell: Bell
}

export const createStore = (): Store => ({
  live: new Map(),
  statuses: new Map(),
  dead: new Map(),
  paused: new Set(),
  workers: new Map(),
  schedules: new Map(),
  events: { batches: [], last: 0, kept: 0, trimmed: 0 },
  bell: createBell(),
})

/** A copy that no caller can change, holding what JSON carries, as in every other store. */
export const copy = <T>(value: T): T => deepFreeze(JSON.parse(JSON.stringify(value)))

/** The state of a task the store knows by this id, in whatever way it knows it. */
export function knownState({ live, statuses, dead }: Store, id: string, now: Millis): TaskState | undefined {
  const task = live.get(id)
  if (task) return stateOf(task, now)
  return statuses.get(id)?.state ?? (dead.has(id) ? "failed" : undefined)
}

/** Stores an envelope unless its id is known; answers the state of the stored task, or of the known one. */
export function add(
  store: Store,
  envelope: Envelope,
  now: Millis,
): { kind: "stored" | "duplicate"; state: TaskState } {
  const known = knownState(store, envelope.id, now)
  if (known) return { kind: "duplicate", state: known }
  const kept = decodeEnvelope(encodeEnvelope(envelope))
  const task: Live = { envelope: kept, token: 0, attempts: 0, dueAt: kept.dueAt, replays: [] }
  store.live.set(kept.id, task)
  return { kind: "stored", state: stateOf(task, now) }
}

/** Of two statuses for one id the one with the higher token stays; of equal tokens, the later. */
export function putStatus(store: Store, status: TaskStatus): void {
  const known = store.statuses.get(status.id)
  if (!known || known.token <= status.token) store.statuses.set(status.id, copy(status))
}

/** Ends a live task as cancelled and answers the status that was written. */
export function endCancelled(store: Store, task: Live, now: Millis): TaskStatus {
  const status = copy(endedStatusOf(task, "cancelled", now))
  store.live.delete(task.envelope.id)
  putStatus(store, status)
  return status
}
