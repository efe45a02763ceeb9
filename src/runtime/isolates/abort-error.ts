import type { AbortReason } from "../../core/contracts/isolates.ts"

const REASONS: Record<AbortReason, string> = {
  soft_time_limit: "the soft time limit has passed",
  cancelled: "the task was cancelled",
  lease_lost: "the lease on this task was lost; another worker may run it now",
  shutdown: "the worker is shutting down",
}

/** Why a handler is told to stop, as the error its signal carries. */
export const abortError = (reason: AbortReason): Error =>
  Object.assign(new Error(REASONS[reason]), { name: "AbortError", code: reason })
