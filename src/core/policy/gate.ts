import type { Millis } from "../kit/clock.ts"
import type { TaskSpec } from "../task/define.ts"
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import { retryPolicyOf } from "./limits.ts"

/** "expired" ends a task without a run; it is no failure. */
export type Refusal = Outcome | { readonly kind: "expired" }

/**
 * May this delivery run? Answers what it ends with when it may not, undefined when it may. A task nobody here
 * knows pays an attempt like any failure, so that during a rollout a newer worker gets its chance.
 */
export function gate(delivery: Delivery, spec: TaskSpec | undefined, now: Millis): Refusal | undefined {
  const { envelope, attempt, reclaimed } = delivery
  if (envelope.expiresAt !== undefined && now >= envelope.expiresAt) return { kind: "expired" }
  if (reclaimed && attempt > retryPolicyOf(envelope, spec).max + 1)
    return {
      kind: "lost",
      error: {
        name: "WorkerLost",
        code: "worker_lost",
        message: `the worker was lost while it ran attempt ${attempt - 1}, which was the last`,
      },
    }
  if (!spec)
    return {
      kind: "failed",
      error: {
        name: "UnknownTask",
        code: "unknown_task",
        message: `no task of this worker is named "${envelope.task}"`,
      },
    }
  return undefined
}
