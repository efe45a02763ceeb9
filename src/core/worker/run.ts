import { BUILT_IN } from "../canvas/builtin.ts"
import { settlementOf } from "../canvas/settlement.ts"
import type { Sending } from "../canvas/start.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Isolates, Job } from "../contracts/isolates.ts"
import type { Slot } from "../contracts/limits.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { Listener, WorkerEvent } from "../observe/events.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import { gate, type Refusal } from "../policy/gate.ts"
import { retryPolicyOf, timeLimitsOf } from "../policy/limits.ts"
import { toFailure } from "../task/failure.ts"
import type { Outcome } from "../task/outcome.ts"
import type { RetryPolicy } from "../task/retry.ts"
import type { Settlement } from "../task/verdict.ts"
import { aboutTask } from "./about.ts"
import { runBuiltIn } from "./built-in.ts"
import type { Children } from "./children.ts"
import { gather } from "./gather.ts"
import type { Held, Leases } from "./held.ts"
import type { Settler } from "./settler.ts"

/** What every run of a worker shares. */
export interface RunParts {
  readonly leases: Leases
  readonly isolates: Isolates
  readonly groups: Groups
  readonly store: StoreWatch
  readonly children: Children
  /** Aborts when nothing is to begin any more. */
  readonly stop: AbortSignal
  readonly settler: Settler
  readonly clock: Clock
  readonly emit: Listener
  readonly worker: string
  /** Told when the handler's slot is free, before the settlement is stored. */
  readonly freed: () => void
  /** Told when the settlement is stored, or given up. */
  readonly settled: () => void
  /** Told which slots of limits it had, when the settlement is stored, or given up. */
  readonly free: (slots: readonly Slot[]) => void
}

/** One delivery's way: gate, handler, verdict, settlement, event. Never rejects. */
export async function run(parts: RunParts, held: Held): Promise<void> {
  const { delivery } = held
  const { envelope } = delivery
  const spec = parts.isolates.specs().get(envelope.task) ?? BUILT_IN.get(envelope.task)
  const policy = retryPolicyOf(envelope, spec)
  const early = (held.startAt ?? 0) - parts.clock.now()
  if (early > 0) await parts.clock.sleep(early)
  const refusal = held.refusal ?? gate(delivery, spec, parts.clock.now())
  let outcome: Outcome | Refusal
  if (refusal) outcome = refusal
  // The answer may have lain here while this process stood still: by now the task may be another's.
  else if (held.aborted || parts.clock.monotonic() >= held.trustedUntil) outcome = { kind: "interrupted" }
  else {
    held.startedAt = parts.clock.now()
    parts.emit({ kind: "started", ...aboutTask(delivery) })
    const { softMs, hardMs } = timeLimitsOf(envelope, spec)
    const job = { delivery, maxAttempts: policy.max + 1, softMs, hardMs }
    const ofFlow = envelope.gathers || BUILT_IN.has(envelope.task)
    outcome = blame(held, await (ofFlow ? runOfFlow(parts, held, job) : parts.isolates.run(job)))
  }
  parts.freed()
  await finish(parts, held, outcome, policy)
}

/** A task at the end of a group, which is given what came of it; or a joint. */
async function runOfFlow(parts: RunParts, held: Held, job: Job): Promise<Outcome> {
  const { envelope } = job.delivery
  const { gathers } = envelope
  const gathered = gathers
    ? await gather(parts, { ...envelope, gathers }, parts.stop)
    : { input: envelope.input }
  if ("outcome" in gathered) return gathered.outcome
  if (held.aborted) return { kind: "interrupted" }
  const { input } = gathered
  if (BUILT_IN.has(envelope.task)) return runBuiltIn(envelope, input)
  return parts.isolates.run({ ...job, delivery: { ...job.delivery, envelope: { ...envelope, input } } })
}

/**
 * What an abort makes of an outcome: a success stands; a failure of a cancelled handler is its cancellation, and
 * of one stopped by the shutdown or a lost lease no fault of its own.
 */
function blame({ aborted }: Held, outcome: Outcome): Outcome {
  if (outcome.kind === "succeeded" || aborted === undefined) return outcome
  if (aborted === "cancelled") return { kind: "cancelled" }
  const stopped = aborted === "shutdown" || aborted === "lease_lost"
  return stopped && outcome.kind === "failed" ? { kind: "interrupted" } : outcome
}

/** What a success brings with it, as it will be stored. What can not be sent fails the task for good: it is done. */
function withAfter(
  { children }: RunParts,
  outcome: Outcome | Refusal,
): { outcome: Outcome | Refusal; after?: Sending } {
  if (outcome.kind !== "succeeded" || !outcome.after) return { outcome }
  try {
    return { outcome, after: children.all(outcome.after) }
  } catch (error) {
    return { outcome: { kind: "failed", error: toFailure(error), final: true } }
  }
}

async function finish(
  parts: RunParts,
  held: Held,
  ended: Outcome | Refusal,
  policy: RetryPolicy,
): Promise<void> {
  const { clock, settler, leases, worker } = parts
  const now = clock.now()
  const { outcome, after } = withAfter(parts, ended)
  const settlement = settlementOf({
    delivery: held.delivery,
    outcome,
    after,
    policy,
    startedAt: held.startedAt,
    worker,
    now,
    random: clock.random(),
  })
  const settled = await settler.settle(settlement)
  parts.settled()
  if (held.slots) parts.free(held.slots)
  // A lost task may be back in this worker's hand, under the next token.
  const { id } = held.delivery.envelope
  if (leases.get(id) === held) leases.delete(id)
  if (settled === "settled") parts.emit(eventOf(held, settlement, now))
  else if (held.aborted !== "lease_lost") parts.emit({ kind: "lease_lost", ...aboutTask(held.delivery) })
}

function eventOf({ delivery, startedAt }: Held, { verdict, status }: Settlement, now: Millis): WorkerEvent {
  const task = aboutTask(delivery)
  switch (verdict.kind) {
    case "retry":
      return { kind: "retrying", ...task, at: verdict.at, error: verdict.reason }
    case "release":
      return { kind: "released", ...task }
    case "bury":
      return { kind: "failed", ...task, error: verdict.reason }
    case "ack":
      return status?.state === "cancelled" || status?.state === "expired"
        ? { kind: status.state, ...task }
        : { kind: "succeeded", ...task, ms: now - (startedAt ?? now) }
  }
}
