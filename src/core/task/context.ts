import type { TaskId } from "./envelope.ts"
import type { Flow } from "./flow.ts"
import type { EnqueueOptions, NamedTask } from "./options.ts"

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
  /** The same for a flow; the id is that of its first task, or of the group it begins with. */
  enqueue(flow: Flow): Promise<TaskId>
  /**
   * Enqueues in the step that stores this task's success, or never. For tasks that must be there exactly if this one
   * succeeded. Answers the id they will have.
   */
  after<I>(task: string | NamedTask<I>, input?: I, options?: EnqueueOptions): TaskId
  after(flow: Flow): TaskId
  /**
   * Does something once in the life of this task: what `work` resolves to is kept in the store under this name, and a
   * later attempt is given it instead of doing the work again. A crash between the work's end and the store's answer
   * repeats it, so `work` should be harmless when done twice all the same. Rejects when the lease is lost: another may
   * be doing it by then.
   */
  once<T>(name: string, work: () => T | Promise<T>): Promise<T>
}

/** Lines for the worker's log, with the task's id beside them. */
export type TaskLog = Record<
  "debug" | "info" | "warn" | "error",
  (message: string, fields?: LogFields) => void
>
/** What a log line carries beside its message: JSON. */
export type LogFields = Record<string, unknown>
