import type { Millis } from "../kit/clock.ts"
import type { Failure } from "../task/failure.ts"
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import type { RetryPolicy } from "../task/retry.ts"
import type { Verdict } from "../task/verdict.ts"
import { backoffDelay } from "./backoff.ts"
import type { Refusal } from "./gate.ts"

/** Outcome to verdict: the whole of Stem's retry rules. */
export function decide(
  delivery: Delivery,
  outcome: Outcome | Refusal,
  policy: RetryPolicy,
  now: Millis,
  random: number,
): Verdict {
  switch (outcome.kind) {
    case "succeeded":
    case "cancelled":
    case "expired":
      return { kind: "ack" }
    case "interrupted":
      return { kind: "release", at: now }
    case "lost":
      return delivery.attempt <= policy.max
        ? {
            kind: "retry",
            at: now + backoffDelay(policy.backoff, delivery.attempt, random),
            reason: outcome.error,
          }
        : { kind: "bury", reason: outcome.error }
    case "failed": {
      if (delivery.attempt > policy.max || !retryable(outcome, policy))
        return { kind: "bury", reason: outcome.error }
      const delay = outcome.retryInMs ?? backoffDelay(policy.backoff, delivery.attempt, random)
      return { kind: "retry", at: now + delay, reason: outcome.error }
    }
  }
}

function retryable(outcome: Outcome & { kind: "failed" }, { only, never }: RetryPolicy): boolean {
  if (outcome.final) return false
  if (only === undefined && never === undefined) return true
  const names = namesOf(outcome.error, outcome.names)
  if (never?.some((name) => names.has(name))) return false
  return only === undefined || only.some((name) => names.has(name))
}

const namesOf = (error: Failure, names: readonly string[] = []): Set<string> =>
  new Set(error.code === undefined ? [error.name, ...names] : [error.name, error.code, ...names])
