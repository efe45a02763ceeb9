import type { FiringRecord, ScheduleState } from "../../core/contracts/schedules.ts"
import type { Answer, Command, Presence } from "../../core/contracts/workers.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { deepFreeze } from "../../core/kit/freeze.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import type { EventBatch } from "../../core/task/event-pages.ts"
import type { Failure } from "../../core/task/failure.ts"
import type { Arrival, Group } from "../../core/task/group.ts"
import type { BucketState } from "../../core/task/limit.ts"
import { stateOf } from "../../core/task/live.ts"
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

/** A group, or what arrived of one that is not open yet. */
export interface Joined {
  group?: Group | undefined
  readonly arrivals: Map<number, Arrival>
  /** It was broken once. */
  broke?: boolean
  complete?: boolean
  endedAt?: Millis | undefined
  /** Of the last that happened to it. */
  at: Millis
}

/** What is kept for limits: by key buckets, slots by task, and who waits for a slot by when it looks again. */
export interface Limits {
  readonly buckets: Map<string, BucketState>
  readonly slots: Map<string, Map<string, { token: number; until: Millis }>>
  readonly lines: Map<string, Map<string, Millis>>
}

/** Everything one namespace of one store holds. Each task is in exactly one of `live` and `statuses`. */
export interface Store {
  readonly live: Map<string, Live>
  readonly statuses: Map<string, TaskStatus>
  /** With the token that a replay goes on from. */
  readonly dead: Map<string, { letter: DeadLetter; token: number }>
  readonly paused: Set<string>
  readonly workers: Map<string, { presence: Presence; until: Millis }>
  readonly mailboxes: Map<string, readonly Command[]>
  /** By command, then by worker. */
  readonly answers: Map<string, Map<string, Answer>>
  readonly schedules: Map<string, Kept>
  readonly events: KeptEvents
  readonly groups: Map<string, Joined>
  /** By unique key: the task that has it, and until when at least. */
  readonly keys: Map<string, { id: string; until?: Millis | undefined }>
  /** By shelf, which is a queue and a priority: what each fair key has spent, and what the last turn had cost. */
  readonly turns: Map<string, { last: number; readonly spent: Map<string, number> }>
  /** By task, then by name. */
  readonly notes: Map<string, Map<string, { value: unknown; at: Millis }>>
  readonly limits: Limits
  readonly locks: Map<string, { token: number; until: Millis }>
  readonly bell: Bell
}

export const createStore = (): Store => ({
  live: new Map(),
  statuses: new Map(),
  dead: new Map(),
  paused: new Set(),
  workers: new Map(),
  mailboxes: new Map(),
  answers: new Map(),
  schedules: new Map(),
  events: { batches: [], last: 0, kept: 0, trimmed: 0 },
  groups: new Map(),
  keys: new Map(),
  turns: new Map(),
  notes: new Map(),
  limits: { buckets: new Map(), slots: new Map(), lines: new Map() },
  locks: new Map(),
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

/** Of two statuses for one id the one with the higher token stays; of equal tokens, the later. */
export function putStatus(store: Store, status: TaskStatus): void {
  const known = store.statuses.get(status.id)
  if (!known || known.token <= status.token) store.statuses.set(status.id, copy(status))
}
