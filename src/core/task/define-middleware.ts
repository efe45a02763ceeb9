import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import type { TaskContext } from "./context.ts"
import type { TaskId } from "./envelope.ts"
import type { Failure } from "./failure.ts"
import type { EnqueueOptions } from "./options.ts"

/** A task on its way to the store, as middleware sees it. Its id is fixed: neither it nor the name can be changed. */
export interface Outgoing {
  readonly id: TaskId
  readonly task: string
  readonly input: unknown
  /** What the sender said; routing and the task's definition fill in the rest afterwards. */
  readonly options: Omit<EnqueueOptions, "id">
}

/** What lifecycle hooks are told of a task. */
export interface TaskHookEvent {
  readonly id: TaskId
  readonly task: string
  readonly queue: string
  readonly attempt: number
  /** The worker's name. */
  readonly worker: string
}

/** What lifecycle hooks are told of a worker. */
export interface WorkerHookEvent {
  readonly worker: string
  readonly queues: readonly string[]
}

type Hook<E> = (event: E) => unknown

/**
 * What surrounds tasks: around their way to the store (`enqueue`), around their handlers (`run`), and hooks that are
 * told what a worker did. The order is that of the modules, and in a module that of definition; the first is outermost.
 *
 * Hooks run in a process of their own, where nothing they do can harm a task: one that throws, or has not ended after
 * five seconds, is reported and left behind. They are told after the store has what they are told of, those of one task
 * one after the other. While they can not keep up events are dropped, and it is said how many.
 */
export interface Middleware {
  /** For messages. Default: the name of the export. */
  name?: string
  /**
   * Around sending a task: in programs, in `ctx.enqueue`, and where modules are loaded. `next` sends it, as it is or as
   * it is given, and resolves once it is stored. To refuse it throw.
   */
  enqueue?(ask: Outgoing, next: (ask?: Outgoing) => Promise<{ readonly id: TaskId }>): Promise<unknown>
  /**
   * Around the handler, in its process. `next` checks the input against the task's schema and runs the handler; with an
   * argument it is given that in place of the task's input. What this returns is the result, what it throws the failure.
   */
  run?(ctx: TaskContext, next: (input?: unknown) => Promise<unknown>): Promise<unknown>
  /** The worker takes tasks. */
  onReady?: Hook<WorkerHookEvent>
  /** The worker takes no more. */
  onStopping?: Hook<WorkerHookEvent>
  /** A worker holds the task. */
  onReceived?: Hook<TaskHookEvent>
  /** An attempt was handed to an isolate. */
  onStarted?: Hook<TaskHookEvent>
  /** It succeeded, and the store has it; `ms` is how long it ran. */
  onSucceeded?: Hook<TaskHookEvent & { readonly ms: Millis }>
  /** An attempt failed; retried or buried follows. */
  onFailed?: Hook<TaskHookEvent & { readonly error: Failure }>
  /** It will be tried again at `at`. */
  onRetried?: Hook<TaskHookEvent & { readonly at: Millis; readonly error: Failure }>
  /** It is among the dead letters. */
  onBuried?: Hook<TaskHookEvent & { readonly error: Failure }>
}

/** The lifecycle hooks, in the order in which one task may meet them. */
export const HOOKS = [
  "onReady",
  "onReceived",
  "onStarted",
  "onSucceeded",
  "onFailed",
  "onRetried",
  "onBuried",
  "onStopping",
] as const
/** One of {@link HOOKS}. */
export type HookName = (typeof HOOKS)[number]

/** What one hook is told. */
export type HookEvent = { [K in HookName]: readonly [K, Parameters<NonNullable<Middleware[K]>>[0]] }[HookName]

/** Also of another copy of this library. */
const MARK = Symbol.for("stem.middleware")
let defined = 0

/**
 * Makes middleware of what is given. Unlike tasks it is known by this call alone: an object with `run` would be a task.
 */
export function defineMiddleware(middleware: Middleware): Middleware {
  defined += 1
  return Object.defineProperty({ ...middleware }, MARK, { value: defined })
}

/** Its place in the order of definition; undefined for what is no middleware. */
export const middlewarePlace = (value: unknown): number | undefined =>
  typeof value === "object" && value !== null ? (value as { [MARK]?: number })[MARK] : undefined

const Fn = v.optional(v.custom((value) => typeof value === "function", "must be a function"))
const Shape = v.strictObject({
  name: v.optional(v.string("must be text")),
  enqueue: Fn,
  run: Fn,
  ...Object.fromEntries(HOOKS.map((hook) => [hook, Fn])),
})

/** What is wrong with it, beginning with the field; undefined when nothing is. */
export function middlewareProblem(value: unknown): string | undefined {
  const parsed = v.safeParse(Shape, value, { abortEarly: true })
  if (parsed.success) return undefined
  const [issue] = parsed.issues
  const field = v.getDotPath(issue) ?? "it"
  return issue.type === "strict_object" && field in (value as object) && issue.expected === "never"
    ? `${field}: is no part of middleware; these are name, enqueue, run, ${HOOKS.join(", ")}`
    : `${field}: ${issue.message}`
}
