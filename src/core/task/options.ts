import type { Duration } from "../kit/duration.ts"
import type { TaskId } from "./envelope.ts"
import type { StandardSchema } from "./schema.ts"

/** As much of a task's definition as sending one takes. */
export interface NamedTask<I> {
  name?: string
  input?: StandardSchema<unknown, I>
  run(input: I, ctx: never): unknown
}

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
  /**
   * Refuses a double: the one that is there is kept, and its id is the answer. `true`: none of the same task and input
   * may wait or run. A text is the key instead of the input. See docs/guarantees.md for the modes.
   */
  unique?: boolean | string | UniqueOptions
  /** Whose turn it takes: tasks of one queue and priority take turns by this key, whatever each one's backlog. */
  fair?: string | number | FairOptions
}

/** Which doubles there may be. */
export interface UniqueOptions {
  /** Default: the input. */
  key?: string
  /**
   * `live` (the default): one that waits or runs at a time. `window` (the default with `for`): nor another within the
   * time after it was sent. `throttle`: one within the time. `debounce`: one that waits is replaced, its delay anew.
   * `replace`: one that waits is replaced and keeps its instant.
   */
  mode?: "live" | "window" | "throttle" | "debounce" | "replace"
  /** With `window` and `throttle`. */
  for?: Duration
}

/** A key and how many turns it has for each of the others'. */
export interface FairOptions {
  key: string
  /** 1 to 100. Default: 1. */
  weight?: number
}
