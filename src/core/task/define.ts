import type { Millis } from "../kit/clock.ts"
import type { Duration } from "../kit/duration.ts"
import type { TaskContext } from "./context.ts"
import type { TimeLimits } from "./envelope.ts"
import { type Step, type StepOptions, step } from "./flow.ts"
import type { ConcurrencyOption, LimitSpec, RateLimitOption } from "./limit-spec.ts"
import type { FairOptions, UniqueOptions } from "./options.ts"
import type { RetryPolicy } from "./retry.ts"
import type { StandardSchema } from "./schema.ts"

/** What runs a task: given the checked input; what it returns is the result. */
export type Handler<I, O> = (input: I, ctx: TaskContext) => O | Promise<O>

/** Milliseconds, or a duration, to wait before the attempt after `attempt` (1 for the first). */
export type BackoffFunction = (attempt: number, error: unknown) => Duration

/** A backoff by name with its defaults, or with your own numbers, or as a function. */
export type BackoffOption =
  | "exponential"
  | "linear"
  | "fixed"
  | { kind: "exponential" | "linear"; base?: Duration; max?: Duration; jitter?: number }
  | { kind: "fixed"; base?: Duration }
  | BackoffFunction

/** An error class, or the name of one, or an error's code. */
// biome-ignore lint/suspicious/noExplicitAny: a class's constructor may take anything
export type ErrorMatch = string | (abstract new (...args: any[]) => unknown)

/**
 * A task: plain data, so that two copies of this library never clash. Only `run` is required.
 *
 * @template I what the handler is given: the schema's output
 * @template O what it returns: JSON
 */
export interface TaskDefinition<I = unknown, O = unknown> {
  /** Default: the name of the export. */
  name?: string
  description?: string
  /** Any Standard Schema. Input that does not fit is refused at enqueue, or buried at once at the worker. */
  input?: StandardSchema<unknown, I>
  /** Default: `default`. */
  queue?: string
  /** 0 to 9, 9 first. Default: 5. */
  priority?: number
  /** Retries after the first attempt. Default: 3. */
  retries?: number
  /** Default: exponential, from 1 s to at most 5 minutes, a quarter of it jitter. */
  backoff?: BackoffOption
  /** Retry only these errors. */
  retryOn?: ErrorMatch[]
  /** Never retry these errors. */
  neverRetryOn?: ErrorMatch[]
  /** Hard limit for one attempt: the process that runs it is killed. Default: none. */
  timeout?: Duration
  /** Soft limit for one attempt: `ctx.signal` aborts. Default: none. */
  softTimeout?: Duration
  /** Not later than this after it was enqueued. */
  expires?: Duration
  /**
   * Which doubles there may be, decided where it is enqueued by this definition; whoever enqueues it by name says it
   * there. A key function is given the input.
   */
  unique?: boolean | (Omit<UniqueOptions, "key"> & { key?: (input: I) => string })
  /** Whose turn it takes, in the same way. */
  fair?: (input: I) => string | number | FairOptions
  /** How often it starts, across all workers: `"100/m"`; a list where several limits hold. Default: no limit. */
  rateLimit?: RateLimitOption<I> | RateLimitOption<I>[]
  /** How many of it run at once, across all workers; a list where several limits hold. Default: no limit. */
  concurrency?: ConcurrencyOption<I> | ConcurrencyOption<I>[]
  run: Handler<I, O>
}

/** A definition that can be a step of a flow. */
export type DefinedTask<I = unknown, O = unknown> = TaskDefinition<I, O> & {
  /** A call of it, for `chain`, `group` and the like. */
  s(input?: I, options?: StepOptions): Step
}

/** Gives a definition its types, and `s`. A definition works without it. */
export function defineTask<I = unknown, O = unknown>(definition: TaskDefinition<I, O>): DefinedTask<I, O> {
  const defined = { ...definition } as DefinedTask<I, O>
  const s: DefinedTask<I, O>["s"] = (input, options) => step(defined, input, options)
  // Not a field: a definition stays plain data.
  return Object.defineProperty(defined, "s", { value: s })
}

/** Ends this attempt and asks for the next one after `delay`. It costs an attempt, as any failure. */
export function retryAfter(delay: Duration, message = "the handler asked to be retried"): Error {
  return Object.assign(new Error(message), { name: "RetryAfter", code: "retry_after", retryAfter: delay })
}

/** A definition's options as the supervisor knows them: plain, checked, with all names and lengths resolved. */
export interface TaskSpec {
  readonly name: string
  readonly description?: string | undefined
  readonly queue: string
  readonly priority: number
  readonly retry: RetryPolicy
  readonly timeLimits: TimeLimits
  readonly expiresInMs?: Millis | undefined
  /** Absent: none. */
  readonly limits?: readonly LimitSpec[] | undefined
  /** `tasks.ts#resize`: where it was found. */
  readonly source: string
}
