/**
 * What a supervisor and its isolates say to each other, as JSON over Bun's IPC.
 *
 * Everything one side has to say in one turn of its event loop travels as one parcel: a message costs several
 * microseconds whatever is in it, and the supervisor's time per task is what bounds a worker. Runs are numbered
 * by the supervisor, and lists that are usually empty are left out.
 */
import type { ExtensionNote, Passed, WireOutgoing } from "../../core/contracts/extensions.ts"
import type { AbortReason, HandlerAsk, IsolateLine, LimitKeys } from "../../core/contracts/isolates.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { ErrorKind } from "../../core/kit/errors.ts"
import type { ChildAsk } from "../../core/task/child.ts"
import type { TaskSpec } from "../../core/task/define.ts"
import type { HookEvent, HookName } from "../../core/task/define-middleware.ts"
import type { Failure } from "../../core/task/failure.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import type { Progress } from "../../core/task/status.ts"
import type { Version } from "../modules/version.ts"

/** The hidden sub-command that makes this executable an isolate. */
export const ISOLATE_COMMAND = "__isolate"
/** Set for a child by its supervisor, and taken away by the child: what user code starts is no isolate. */
export const ISOLATE_MARK = "STEM_ISOLATE"

/**
 * Runs that are alike but for their ids and inputs, which nearly all runs of a parcel are. A list because it is sent for
 * every task; 0 stands for "none".
 */
export type WireRuns = [
  task: string,
  queue: string,
  attempt: number,
  maxAttempts: number,
  token: number,
  headers: Readonly<Record<string, string>> | 0,
  softMs: Millis | 0,
  hardMs: Millis | 0,
  /** Run, id, input, run, id, input, … */
  each: unknown[],
]

export interface WireError {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}

/** Supervisor to isolate. */
export type ToIsolate =
  | { readonly kind: "load"; readonly modules: readonly string[]; readonly watchRss: boolean }
  | ToIsolateParcel
export interface ToIsolateParcel {
  readonly kind: "parcel"
  runs?: WireRuns[]
  aborts?: [run: number, reason: AbortReason][]
  /** Is anybody there? */
  ping?: true
  answers?: [ask: number, answer: unknown, error?: WireError][]
  /** Inputs that keys are to be made of. */
  keys?: [ask: number, task: string, input: unknown][]
  /** What lifecycle hooks are told. */
  hooks?: HookEvent[]
  /** Tasks that are to go through `enqueue` middleware. */
  passing?: [ask: number, WireOutgoing][]
}

/** What the modules define. */
export interface Defined {
  readonly specs: readonly TaskSpec[]
  readonly schedules: readonly Schedule[]
  readonly version: Version
  readonly middleware: MiddlewareFacts
}

/** Which middleware there is. */
export interface MiddlewareFacts {
  readonly hooks: readonly HookName[]
  readonly enqueue: boolean
}

/** Isolate to supervisor. */
export type FromIsolate =
  | ({ readonly kind: "ready" } & Defined)
  | { readonly kind: "refused"; readonly error: WireError }
  | FromIsolateParcel
export interface FromIsolateParcel {
  readonly kind: "parcel"
  /** Runs with a hard limit that are about to start: their time runs from here. */
  began?: number[]
  logs?: IsolateLine[]
  progress?: [run: number, progress: Progress][]
  asks?: [ask: number, what: ChildAsk | HandlerAsk][]
  keyed?: [ask: number, made: LimitKeys][]
  /** Run, result, run, result, … */
  done?: unknown[]
  ended?: [run: number, outcome: Outcome][]
  rss?: number
  /** So many more events have been heard by their hooks, or given up. */
  heard?: number
  hookFailures?: Extract<ExtensionNote, { kind: "hook_failed" }>[]
  passed?: [ask: number, Passed][]
  /** The answer to a ping: the event loop turns. */
  pong?: true
  /** The isolate is about to exit because this run told it to. */
  exiting?: [run: number, code: number]
  /** Something of no known run went wrong: the isolate must be given nothing more. */
  unwell?: Failure
}
