import type { Millis } from "../kit/clock.ts"
import type { ChildAsk, FlowAsk } from "../task/child.ts"
import type { TaskSpec } from "../task/define.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Failure } from "../task/failure.ts"
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import type { Schedule } from "../task/schedule.ts"
import type { Progress } from "../task/status.ts"
import type { ExtensionNote, Extensions } from "./extensions.ts"

/**
 * Where user code runs: never in the supervisor, whose event loop keeps the leases.
 *
 * However an isolate ends, every run it held resolves exactly once: the run that is known to have killed it as
 * "lost" (or "failed" for a hard limit), its neighbours are run again or end as "interrupted", at no cost to them.
 */
export interface Isolates {
  /**
   * Starts the isolates and loads the modules. Throws `invalid` naming file and line when a module can not be
   * loaded or defines no task, or two of one name; then nothing is left running.
   */
  start(hooks: IsolateHooks): Promise<void>
  /** What the modules define, by task name. Replaced whole by a reload. */
  specs(): ReadonlyMap<string, TaskSpec>
  /** A fingerprint of the code that was loaded; absent where none is. */
  version?(): string | undefined
  /** The schedules that the modules define; absent where there are no modules. */
  schedules?(): readonly Schedule[]
  /**
   * Resolves when there is an isolate to run in, or the signal aborts; until then whatever is to be run ends as
   * "interrupted". Absent where there always is one.
   */
  able?(signal: AbortSignal): Promise<void>
  /** What the modules add beside their tasks; absent where that is nothing. */
  extensions?(): Extensions | undefined
  /** Runs one delivery. Never rejects. */
  run(job: Job): Promise<Outcome>
  /**
   * Makes the keys of limits by the functions that the tasks' definitions have for them, in their order. Answers in
   * order; rejects when nobody can answer now. Absent where no task can have such a function.
   */
  limitKeys?(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]>
  /** Aborts the handler's signal. Nothing happens when the run is over. */
  abort(id: TaskId, token: number, reason: AbortReason): void
  /** Kills the isolate the run is in; the run ends as "cancelled", its neighbours at no cost. */
  terminate(id: TaskId, token: number): void
  /** New isolates with the modules read anew take all new runs; the old ones finish theirs. Throws as start does, and the old go on. */
  reload(): Promise<void>
  /**
   * As many isolates from now on, at least one; those that are too many take nothing more and finish what they run.
   * Absent where there is nothing to grow.
   */
  resize?(count: number): void
  /** Kills what still runs (those runs end as "interrupted") and returns when every isolate is gone. */
  stop(): Promise<void>
}

/** The input of a task, for the functions that make its keys. */
export interface LimitKeyAsk {
  readonly task: string
  readonly input: unknown
}

/** What they made of it; or how one of them failed, or did not come to an end. */
export type LimitKeys = { readonly keys: readonly string[] } | { readonly error: Failure }

/** Why a handler is told to stop: the code of its signal's reason. */
export type AbortReason = "soft_time_limit" | "cancelled" | "lease_lost" | "shutdown"

/** One delivery to run, with the limits that hold for it. */
export interface Job {
  readonly delivery: Delivery
  readonly maxAttempts: number
  readonly softMs?: Millis | undefined
  readonly hardMs?: Millis | undefined
}

/** What isolates tell their supervisor, and ask of it. */
export interface IsolateHooks {
  progress(id: TaskId, token: number, progress: Progress): void
  log(line: IsolateLine): void
  /** A handler's `ctx.enqueue`. */
  enqueue(ask: ChildAsk): Promise<TaskId>
  /** `ctx.enqueue` of a flow answers its id; `ctx.once` asks what was kept, and has a value kept ("stale": it was not). */
  ask(ask: HandlerAsk): Promise<unknown>
  /** What extensions say of themselves. */
  note?(note: ExtensionNote): void
  /** An isolate ended that should not have; the pool has replaced it. */
  died(death: { readonly pid: number; readonly reason: string; readonly running: number }): void
  /** No isolate is left and none can be started. */
  unable(reason: string): void
  /** There is one again. */
  able(): void
  /** An isolate has replaced another and has read other code than those before it, from these files. */
  differs(news: { readonly pid: number; readonly files: readonly string[] }): void
}

/** One line a handler logged. */
export interface IsolateLine {
  readonly id: TaskId
  readonly task: string
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>> | undefined
}

/** What a handler asks of its supervisor beside a task: the answer is JSON. */
export type HandlerAsk =
  | ({ readonly kind: "flow" } & FlowAsk)
  | { readonly kind: "recall"; readonly id: TaskId; readonly name: string }
  | {
      readonly kind: "remember"
      readonly id: TaskId
      readonly token: number
      readonly name: string
      readonly value: unknown
    }
