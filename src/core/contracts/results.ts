import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import type { EndState, TaskState, TaskStatus } from "../task/status.ts"

/** Where ended tasks are remembered. What still waits or runs is read from the {@link Inspector}. */
export interface ResultBackend {
  /** Writes statuses. Of two for one id the one with the higher token stays; of equal tokens, the later. */
  put(statuses: readonly TaskStatus[]): Promise<void>
  /** In the order of the ids; undefined where nothing is known. */
  get(ids: readonly TaskId[]): Promise<readonly (TaskStatus | undefined)[]>
  /**
   * The status once the task has ended, from whichever process; undefined at `until`, when the signal aborts or
   * when the store is closed.
   */
  wait(id: TaskId, until: Millis, signal?: AbortSignal): Promise<TaskStatus | undefined>
  /** Ended tasks, latest first, by the instant of their end. */
  list(filter: StatusFilter): Promise<readonly TaskStatus[]>
  /** Removes the statuses of tasks that live again. */
  forget(ids: readonly TaskId[]): Promise<void>
  /** Removes what ended before these instants, at most `max` of them, the earliest first; answers how many. */
  prune(ask: { succeededBefore: Millis; otherBefore: Millis; max: number }): Promise<number>
}

/** Which tasks are meant; what is absent does not narrow. */
export interface StatusFilter {
  readonly states?: readonly TaskState[] | undefined
  readonly task?: string | undefined
  readonly queue?: string | undefined
  /** At or after, by the instant that the list is ordered by. */
  readonly since?: Millis | undefined
  /** Before, by the same instant. */
  readonly until?: Millis | undefined
  readonly limit: number
}

/** How many ended tasks there are of each state. */
export type EndCounts = Readonly<Record<EndState, number>>
