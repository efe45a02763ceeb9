import type { Millis } from "../kit/clock.ts"
import type { Refusal } from "../policy/gate.ts"
import { decide } from "../policy/verdict.ts"
import type { Failure } from "../task/failure.ts"
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import type { RetryPolicy } from "../task/retry.ts"
import type { EndState, TaskStatus } from "../task/status.ts"
import type { Settlement, Verdict } from "../task/verdict.ts"
import { nextOf } from "./advance.ts"

/** One finished run, with all that deciding about it needs. */
export interface Finished {
  readonly delivery: Delivery
  readonly outcome: Outcome | Refusal
  readonly policy: RetryPolicy
  /** Absent when it never ran. */
  readonly startedAt?: Millis | undefined
  readonly worker: string
  readonly now: Millis
  readonly random: number
}

/** A finished run as the one settlement that carries the verdict, what people will see, and what follows. */
export function settlementOf(run: Finished): Settlement {
  const { delivery, outcome, now } = run
  const verdict = decide(delivery, outcome, run.policy, now, run.random)
  const state = endStateOf(verdict, outcome)
  return {
    lease: delivery.lease,
    verdict,
    status: state && statusOf(run, state, verdict.kind === "bury" ? verdict.reason : undefined),
    next: outcome.kind === "succeeded" ? nextOf(delivery.envelope, outcome.result, now) : [],
  }
}

function endStateOf(verdict: Verdict, outcome: Outcome | Refusal): EndState | undefined {
  if (verdict.kind === "bury") return "failed"
  if (verdict.kind !== "ack") return undefined
  return outcome.kind === "expired" || outcome.kind === "cancelled" ? outcome.kind : "succeeded"
}

function statusOf(run: Finished, state: EndState, error: Failure | undefined): TaskStatus {
  const { envelope, lease, attempt, replays } = run.delivery
  return {
    v: 1,
    id: envelope.id,
    task: envelope.task,
    queue: envelope.queue,
    state,
    // A task that never ran has no attempt to show but the ones that were lost before.
    attempt: run.startedAt === undefined ? attempt - 1 : attempt,
    token: lease.token,
    enqueuedAt: envelope.enqueuedAt,
    startedAt: run.startedAt,
    finishedAt: run.now,
    worker: run.worker,
    result: run.outcome.kind === "succeeded" ? run.outcome.result : undefined,
    error,
    parent: envelope.parent,
    replays: replays.length > 0 ? replays : undefined,
  }
}
