import type { Millis } from "../kit/clock.ts"
import type { HookEvent, HookName, Outgoing } from "../task/define-middleware.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Failure } from "../task/failure.ts"

/**
 * What the modules add beside their tasks, run in a process of its own: whatever happens there, no task pays for it. The
 * process is replaced when it dies, or when it stands still while something waits for it.
 */
export interface Extensions {
  /** Whether some module has this hook. */
  wants(hook: HookName): boolean
  /** Tells a hook, and forgets about it. When too much is unheard it is dropped, and that is told. */
  tell(event: HookEvent): void
  /**
   * Takes tasks through the modules' `enqueue` middleware, all but the storing. "failed": nobody answered in time, or the
   * process died; whoever asks decides what that means.
   */
  pass(asks: readonly WireOutgoing[], within: Millis): Promise<readonly Passed[]>
  /** Ends the process after what it was told has been heard, at the latest after five seconds. */
  close(): Promise<void>
}

/** A task on its way, as it crosses processes: `at` and a number in `expires` are instants. */
export interface WireOutgoing extends Omit<Outgoing, "options"> {
  readonly options: Omit<Outgoing["options"], "at" | "expires"> & { at?: Millis; expires?: Millis | string }
}

/** What became of a task on its way. */
export type Passed =
  | { readonly kind: "passed"; readonly ask: WireOutgoing }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string }

/** What extensions say of themselves. */
export type ExtensionNote =
  | {
      readonly kind: "hook_failed"
      readonly middleware: string
      readonly hook: HookName
      readonly id?: TaskId | undefined
      readonly error: Failure
    }
  /** Nobody heard of so many events. */
  | { readonly kind: "hooks_dropped"; readonly count: number }
