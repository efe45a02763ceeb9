import type { Millis } from "../kit/clock.ts"
import type { ChildAsk, FlowAsk } from "./child.ts"
import type { Failure } from "./failure.ts"

/**
 * How one run ended. `names` lists the error's class and its ancestors, for retry lists; `retryInMs` is what the
 * handler or the task's own backoff function asked for.
 */
export type Outcome =
  | {
      readonly kind: "succeeded"
      readonly result: unknown
      /** What its handler wants enqueued with the success. */
      readonly after?: readonly (ChildAsk | FlowAsk)[] | undefined
    }
  | {
      readonly kind: "failed"
      readonly error: Failure
      readonly names?: readonly string[] | undefined
      readonly retryInMs?: Millis | undefined
      /** The input can never be right: no attempt would help. */
      readonly final?: boolean | undefined
    }
  /** Its isolate died under it: it pays an attempt. */
  | { readonly kind: "lost"; readonly error: Failure }
  /** Stopped through no fault of its own: handed back at no cost. */
  | { readonly kind: "interrupted" }
  | { readonly kind: "cancelled" }
