import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "./envelope.ts"
import type { Flow } from "./flow.ts"
import type { EnqueueOptions } from "./options.ts"

/** A handler's wish for another task, as it crosses processes. */
export interface ChildAsk {
  readonly parent: TaskId
  readonly task: string
  readonly input: unknown
  /** `id` is set: the handler's own, else derived from the parent's. */
  readonly options: PlainOptions
}

/** `at` and a number in `expires` are instants. */
export type PlainOptions = Omit<EnqueueOptions, "at" | "expires"> & { at?: Millis; expires?: Millis | string }

/** A handler's wish for a flow. Its tasks are named, and their options are {@link PlainOptions}. */
export interface FlowAsk {
  readonly parent: TaskId
  /** Of the flow: the handler's own, else derived from the parent's. */
  readonly id: TaskId
  readonly flow: Flow
}
