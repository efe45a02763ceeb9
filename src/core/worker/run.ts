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
import type { Delivery } from "../task/lease.ts"
import type { Outcome } from "../task/outcome.ts"
import type { RetryPolicy } from "../task/retry.ts"
import type { Settled, Settlement } from "../task/verdict.ts"
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

/** One reading of both clocks. */
export type Reading = { readonly wall: Millis; readonly monotonic: Millis }

/** Both clocks, now. */
export const readClock = (clock: Clock): Reading => ({ wall: clock.now(), monotonic: clock.monotonic() })

/**
 * One delivery's way: gate, handler, verdict, settlement, event. Every task goes it, so that it waits for promises only
 * where it must, and those that begin together look at the clock once.
 */
export function run(parts: RunParts, held: Held, at = readClock(parts.clock)): void {
  const { clock } = parts
  const early = held.startAt === undefined ? 0 : held.startAt - at.wall
  if (early > 0) void clock.sleep(early).then(() => begin(parts, held, readClock(clock)))
  else begin(parts, held, at)
}

function begin(parts: RunParts, held: Held, at: Reading): void {
  const { isolates } = parts
  const { delivery } = held
  const { envelope } = delivery
  const builtIn = BUILT_IN.get(envelope.task)
  const spec = isolates.specs().get(envelope.task) ?? builtIn
  const policy = retryPolicyOf(envelope, spec)
  let refusal = held.refusal ?? gate(delivery, spec, at.wall)
  // The answer may have lain here while this process stood still: by now the task may be another's.
  if (!refusal && (held.aborted || at.monotonic >= held.trustedUntil)) refusal = { kind: "interrupted" }
  if (refusal) {
    end(parts, held, refusal, policy)
    return
  }
  held.startedAt = at.wall
  parts.emit(startedOf(delivery))
  const { softMs, hardMs } = timeLimitsOf(envelope, spec)
  const job = { delivery, maxAttempts: policy.max + 1, softMs, hardMs }
  const running = envelope.gathers || builtIn ? runOfFlow(parts, held, job) : isolates.run(job)
  void running.then((outcome) => end(parts, held, blame(held, outcome), policy))
}

function end(parts: RunParts, held: Held, outcome: Outcome | Refusal, policy: RetryPolicy): void {
  parts.freed()
  const ended = parts.clock.now()
  const settlement = settle(parts, held, outcome, policy, ended)
  parts.settler.put(settlement, (settled) => conclude(parts, held, settlement, settled, ended))
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

/** What a run came to, as it is to be stored. */
function settle(
  parts: RunParts,
  { delivery, startedAt }: Held,
  ended: Outcome | Refusal,
  policy: RetryPolicy,
  now: Millis,
): Settlement {
  const { outcome, after } = withAfter(parts, ended)
  const random = parts.clock.random()
  return settlementOf({ delivery, outcome, after, policy, startedAt, worker: parts.worker, now, random })
}

/** Once it is stored, or given up. */
function conclude(parts: RunParts, held: Held, settlement: Settlement, settled: Settled, now: Millis): void {
  const { leases } = parts
  parts.settled()
  if (held.slots) parts.free(held.slots)
  // A lost task may be back in this worker's hand, under the next token.
  const { id } = held.delivery.envelope
  if (leases.get(id) === held) leases.delete(id)
  if (settled === "settled") parts.emit(eventOf(held, settlement, now))
  else if (held.aborted !== "lease_lost") parts.emit({ kind: "lease_lost", ...aboutTask(held.delivery) })
}

/*
 * The two events of nearly every task are written out field by field: what a worker spends on a task is a matter of
 * microseconds, and a copy of four fields is a good part of one.
 */

function startedOf({ envelope: { id, task, queue }, attempt }: Delivery): WorkerEvent {
  return { kind: "started", id, task, queue, attempt }
}

function succeededOf({ envelope: { id, task, queue }, attempt }: Delivery, ms: Millis): WorkerEvent {
  return { kind: "succeeded", id, task, queue, attempt, ms }
}

function eventOf({ delivery, startedAt }: Held, { verdict, status }: Settlement, now: Millis): WorkerEvent {
  switch (verdict.kind) {
    case "retry":
      return { kind: "retrying", ...aboutTask(delivery), at: verdict.at, error: verdict.reason }
    case "release":
      return { kind: "released", ...aboutTask(delivery) }
    case "bury":
      return { kind: "failed", ...aboutTask(delivery), error: verdict.reason }
    case "ack":
      return status?.state === "cancelled" || status?.state === "expired"
        ? { kind: status.state, ...aboutTask(delivery) }
        : succeededOf(delivery, now - (startedAt ?? now))
  }
}
