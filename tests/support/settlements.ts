import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import type { Envelope } from "../../src/core/task/envelope.ts"
import type { Failure } from "../../src/core/task/failure.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import type { EndState, TaskStatus } from "../../src/core/task/status.ts"
import type { Settlement } from "../../src/core/task/verdict.ts"

/** An error as a worker would report it. */
export const failure = (message = "it broke", more: Partial<Failure> = {}): Failure => ({
  name: "TypeError",
  message,
  ...more,
})

/** What a worker says of a task it has finished. */
export const endOf = (
  { envelope, lease, attempt }: Delivery,
  state: EndState,
  finishedAt: Millis,
  more: Partial<TaskStatus> = {},
): TaskStatus => ({
  v: 1,
  id: envelope.id,
  task: envelope.task,
  queue: envelope.queue,
  state,
  attempt,
  token: lease.token,
  enqueuedAt: envelope.enqueuedAt,
  finishedAt,
  worker: lease.holder,
  ...more,
})

/** The settlements a worker sends. */
export const settlementsBy = (clock: Pick<Clock, "now">) => ({
  success: (of: Delivery, result: unknown = null, next: readonly Envelope[] = []): Settlement => ({
    lease: of.lease,
    verdict: { kind: "ack" },
    status: endOf(of, "succeeded", clock.now(), { result }),
    next,
  }),
  burial: (of: Delivery, reason = failure()): Settlement => ({
    lease: of.lease,
    verdict: { kind: "bury", reason },
    status: endOf(of, "failed", clock.now(), { error: reason }),
    next: [],
  }),
  retry: (of: Delivery, inMs: Millis = 0, reason = failure()): Settlement => ({
    lease: of.lease,
    verdict: { kind: "retry", at: clock.now() + inMs, reason },
    next: [],
  }),
  release: (of: Delivery, inMs: Millis = 0): Settlement => ({
    lease: of.lease,
    verdict: { kind: "release", at: clock.now() + inMs },
    next: [],
  }),
})
