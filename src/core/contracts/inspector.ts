import type { Millis } from "../kit/clock.ts"
import type { DeadLetter } from "../task/dead-letter.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import type { TaskStatus } from "../task/status.ts"
import type { EndCounts, StatusFilter } from "./results.ts"

/** The operator's desk, kept off the hot path. It reads the store and never asks a worker. */
export interface Inspector {
  /** Every queue that holds a task, has dead letters or is paused, by name. */
  queues(): Promise<readonly QueueCounts[]>
  /** Ended tasks still remembered. */
  ended(): Promise<EndCounts>
  /** Live tasks by id, in order; undefined where the task is not waiting or running. */
  find(ids: readonly TaskId[]): Promise<readonly (LiveTask | undefined)[]>
  /** Live tasks, the earliest due first. */
  list(filter: StatusFilter): Promise<readonly LiveTask[]>

  /** Nothing more is reserved from the queue until it is resumed. Survives restarts. False: it was so already. */
  pause(queue: string): Promise<boolean>
  resume(queue: string): Promise<boolean>
  /**
   * Ends every waiting task of the queue as cancelled, at most `max`, the earliest stored first; running ones are
   * left alone. Answers how many.
   */
  purge(queue: string, max: number): Promise<number>

  /** Forgets unique keys that nobody has any more, at most `max`; answers how many. */
  forgetKeys(max: number): Promise<number>

  readonly deadLetters: DeadLetters
}

/** A task that waits or runs, whole. */
export interface LiveTask {
  readonly status: TaskStatus
  readonly envelope: Envelope
}

/** How many tasks of each kind a queue holds; a task is counted once. */
export interface QueueCounts {
  readonly queue: string
  readonly ready: number
  readonly scheduled: number
  readonly running: number
  /** Waiting for another attempt; counted in neither ready nor scheduled. */
  readonly retrying: number
  readonly dead: number
  readonly paused: boolean
  /** When the longest-waiting of the tasks counted as ready became due. */
  readonly oldestReadyAt?: Millis | undefined
}

/** The tasks that failed for good. */
export interface DeadLetters {
  /** Latest first. */
  list(filter: DeadLetterFilter): Promise<readonly DeadLetter[]>
  count(filter: Omit<DeadLetterFilter, "limit">): Promise<number>
  get(id: TaskId): Promise<DeadLetter | undefined>
  /**
   * Puts dead letters back on their queues: same id, attempts counted anew, the token going on, a trail left, the
   * failed status taken away.
   * Answers the ids it put back; one that is gone, or can not be read as an envelope, is left out.
   */
  replay(asks: readonly ReplayAsk[]): Promise<readonly TaskId[]>
  /** Forgets dead letters for good; their statuses stay. Answers how many. */
  purge(ids: readonly TaskId[]): Promise<number>
  /** Removes what died before this instant, at most `max`, the earliest first; answers how many. */
  prune(before: Millis, max: number): Promise<number>
}

/** Which dead letters are meant; what is absent does not narrow. */
export interface DeadLetterFilter {
  readonly queue?: string | undefined
  readonly task?: string | undefined
  /** Text that the error's name, code or message holds, in any case. */
  readonly error?: string | undefined
  /** Died at or after. */
  readonly since?: Millis | undefined
  /** Died before. */
  readonly until?: Millis | undefined
  readonly limit: number
}

/** One dead letter to put back. */
export interface ReplayAsk {
  readonly id: TaskId
  readonly dueAt: Millis
  /** Keep its place in its group: what it comes to replaces its failure there. Else it runs alone. */
  readonly rejoin?: boolean | undefined
  /** Replaces the input, and only it. */
  readonly edit?: { readonly input: unknown } | undefined
}
