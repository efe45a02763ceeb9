import type { Duration } from "../kit/duration.ts"
import type { TaskId } from "./envelope.ts"
import type { StandardSchema } from "./schema.ts"

/** What a handler is given beside its input. */
export interface TaskContext {
  readonly id: TaskId
  readonly task: string
  readonly queue: string
  /** 1 for the first. */
  readonly attempt: number
  /** The attempt after which the task is buried: retries + 1. */
  readonly maxAttempts: number
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  /**
   * Aborts at the soft time limit, on `stem cancel`, when the lease is lost and at shutdown; its `reason` is an
   * Error whose `code` says which: `soft_time_limit`, `cancelled`, `lease_lost`, `shutdown`.
   */
  readonly signal: AbortSignal
  /** The same for every attempt of this task; hand it to services that refuse doubles. */
  readonly idempotencyKey: string
  /** Grows with every lease of this task; hand it to stores that can refuse an older writer. */
  readonly token: number
  readonly log: TaskLog
  /** Shows how far the task is, in any unit, to every process. Kept at most four times a second; the last one wins. */
  progress(value: number, data?: unknown): void
  /**
   * Enqueues at once, whatever becomes of this task. The id is derived from this task's and the order of the
   * calls, so that a retried attempt does not double its children. Resolves to the id once it is stored.
   */
  enqueue<I>(task: string | NamedTask<I>, input?: I, options?: EnqueueOptions): Promise<TaskId>
}

/** As much of a task's definition as sending one takes. */
export interface NamedTask<I> {
  name?: string
  input?: StandardSchema<unknown, I>
  run(input: I, ctx: never): unknown
}

/** Lines for the worker's log, with the task's id beside them. */
export type TaskLog = Record<
  "debug" | "info" | "warn" | "error",
  (message: string, fields?: LogFields) => void
>
/** What a log line carries beside its message: JSON. */
export type LogFields = Record<string, unknown>

/** What a sender may say about one task. Where it is silent the task's definition decides. */
export interface EnqueueOptions {
  /** Your own id. A task of this id that is known to the store is not enqueued again. */
  id?: TaskId
  queue?: string
  /** 0 to 9; 9 is taken first. */
  priority?: number
  /** Not before this much from now. */
  delay?: Duration
  /** Not before this instant. */
  at?: Date
  /** Not later than this much from now. */
  expires?: Duration | Date
  /** Retries after the first attempt. */
  retries?: number
  /** Hard time limit: the isolate is killed. */
  timeout?: Duration
  /** Soft time limit: the handler's signal aborts. */
  softTimeout?: Duration
  headers?: Record<string, string>
}
