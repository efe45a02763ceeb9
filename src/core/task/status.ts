import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "./envelope.ts"
import { Failure } from "./failure.ts"
import type { Membership } from "./membership.ts"

/** Every state a task can be in; see docs/states.md. */
export const TASK_STATES = [
  "scheduled",
  "queued",
  "running",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
] as const

/** One of {@link TASK_STATES}. */
export type TaskState = (typeof TASK_STATES)[number]
/** A state that a task never leaves, but for a replay from the dead letters. */
export type EndState = "succeeded" | "failed" | "cancelled" | "expired"

/** Whether a task in this state is over. */
export const isEnded = (state: TaskState): state is EndState =>
  state === "succeeded" || state === "failed" || state === "cancelled" || state === "expired"

/** One return from the dead letters. */
export interface Replay {
  readonly at: Millis
  readonly diedAt: Millis
  readonly error: string
}

/** How far a running task says it is: any number it likes, and any JSON beside it. */
export interface Progress {
  readonly value: number
  readonly data?: unknown
  readonly at: Millis
}

/** What people see of a task. */
export interface TaskStatus {
  readonly v: 1
  readonly id: TaskId
  readonly task: string
  readonly queue: string
  readonly state: TaskState
  /** The attempt that is running or was the last; 0 before the first. */
  readonly attempt: number
  readonly token: number
  readonly enqueuedAt: Millis
  /** When a waiting task may run. */
  readonly dueAt?: Millis | undefined
  readonly startedAt?: Millis | undefined
  readonly finishedAt?: Millis | undefined
  readonly worker?: string | undefined
  readonly result?: unknown
  readonly error?: Failure | undefined
  readonly progress?: Progress | undefined
  readonly parent?: TaskId | undefined
  /** Its place in a group. */
  readonly group?: Membership | undefined
  readonly replays?: readonly Replay[] | undefined
}

const StatusSchema: v.GenericSchema<unknown, TaskStatus> = v.looseObject({
  v: v.literal(1),
  id: v.string(),
  task: v.string(),
  queue: v.string(),
  state: v.picklist(TASK_STATES),
  attempt: v.number(),
  token: v.number(),
  enqueuedAt: v.number(),
  dueAt: v.optional(v.number()),
  startedAt: v.optional(v.number()),
  finishedAt: v.optional(v.number()),
  worker: v.optional(v.string()),
  result: v.optional(v.unknown()),
  error: v.optional(Failure),
  progress: v.optional(v.looseObject({ value: v.number(), data: v.optional(v.unknown()), at: v.number() })),
  parent: v.optional(v.string()),
  group: v.optional(v.looseObject({ group: v.string(), index: v.number() })),
  replays: v.optional(v.array(v.looseObject({ at: v.number(), diedAt: v.number(), error: v.string() }))),
}) as v.GenericSchema<unknown, TaskStatus>

/** When a task ended; one that was put without an end counts from when it was enqueued. */
export const endOf = ({ finishedAt, enqueuedAt }: TaskStatus): Millis => finishedAt ?? enqueuedAt

/** The status as it is stored. */
export const encodeStatus = (status: TaskStatus): string => JSON.stringify(status)

/** The inverse of {@link encodeStatus}. Throws valibot's error for text that is none. */
export const decodeStatus = (text: string): TaskStatus => v.parse(StatusSchema, JSON.parse(text))
