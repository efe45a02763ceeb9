import type { Millis } from "../kit/clock.ts"
import type { Refusal } from "../policy/gate.ts"
import { decide } from "../policy/verdict.ts"
import type { Envelope } from "../task/envelope.ts"
import type { Failure } from "../task/failure.ts"
import { type Arrival, absenceOf, CANCELLED_MEMBER } from "../task/group.ts"
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import type { RetryPolicy } from "../task/retry.ts"
import type { EndState, TaskStatus } from "../task/status.ts"
import type { Settlement, Verdict } from "../task/verdict.ts"
import { nextOf } from "./advance.ts"
import { BROKE } from "./builtin.ts"
import type { Sending } from "./start.ts"

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
  /** What its handler wants sent if it succeeds. */
  readonly after?: Sending | undefined
}

/** A finished run as the one settlement that carries the verdict, what people will see, and what follows. */
export function settlementOf(run: Finished): Settlement {
  const { delivery, outcome, now, after } = run
  const { envelope, lease } = delivery
  if (envelope.task === BROKE && outcome.kind === "failed") return brokenSettlement(run, outcome.error)
  const verdict = decide(delivery, outcome, run.policy, now, run.random)
  const state = endStateOf(verdict, outcome)
  const error = verdict.kind === "bury" ? verdict.reason : undefined
  const status = state && statusOf(run, state, error)
  if (!state) return { lease, verdict, status, next: [] }
  const unique = keyOf(envelope)
  if (outcome.kind !== "succeeded") {
    const arrive = absenceOf(envelope, error ?? (state === "expired" ? EXPIRED : CANCELLED_MEMBER))
    return { lease, verdict, status, next: [], ...(arrive && { arrive }), ...unique }
  }
  const { envelopes: next, groups: opens } = both(nextOf(envelope, outcome.result, now), after)
  const arrive = arrivalOf(envelope, outcome.result)
  // Nearly all tasks are of this kind.
  if (opens.length === 0 && !arrive && !envelope.unique) return { lease, verdict, status, next }
  return {
    ...{ lease, verdict, status, next },
    ...(opens.length > 0 && { opens }),
    ...(arrive && { arrive }),
    ...unique,
  }
}

const both = (a: Sending, b: Sending | undefined): Sending =>
  b ? { envelopes: [...a.envelopes, ...b.envelopes], groups: [...a.groups, ...b.groups] } : a

const EXPIRED = { name: "Expired", message: "it was not begun in time", code: "expired" }

/** A member's success, once nothing of its chain is left. */
const arrivalOf = ({ id, group, then }: Envelope, result: unknown): Arrival | undefined =>
  group && !then?.length ? { ...group, id, ok: true, result } : undefined

const keyOf = ({ unique }: Envelope) => (unique ? { unique: unique.key } : {})

/** A group within a group has failed: that is no dead letter, for those of its members tell more. */
function brokenSettlement(run: Finished, error: Failure): Settlement {
  const { envelope, lease } = run.delivery
  const arrive = absenceOf(envelope, error)
  const status = statusOf(run, "failed", error)
  return { lease, verdict: { kind: "ack" }, status, next: [], ...(arrive && { arrive }) }
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
    group: envelope.group,
    replays: replays.length > 0 ? replays : undefined,
  }
}
