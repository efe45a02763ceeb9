import { DEFAULT_QUEUE, makeEnvelope } from "../client/envelope.ts"
import type { Broker } from "../contracts/broker.ts"
import type { ChildAsk, Isolates } from "../contracts/isolates.ts"
import type { Clock } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Leases } from "./held.ts"

/**
 * A handler's `ctx.enqueue`: stores the child with its parent's trace and, where the handler was silent, the queue
 * and priority its definition names in this worker's modules. A child that is already there is left as it is.
 */
export function childEnqueuer(broker: Broker, isolates: Isolates, leases: Leases, clock: Clock) {
  return async ({ parent, task, input, options }: ChildAsk): Promise<TaskId> => {
    const spec = isolates.specs().get(task)
    const from = leases.get(parent)?.delivery.envelope
    const { at, expires, ...plain } = options
    const expiresAt =
      typeof expires === "number"
        ? expires
        : expires !== undefined
          ? clock.now() + parseDuration(expires)
          : spec?.expiresInMs && clock.now() + spec.expiresInMs
    const envelope = makeEnvelope(clock, {
      task,
      input,
      options: {
        ...plain,
        queue: plain.queue ?? spec?.queue ?? DEFAULT_QUEUE,
        ...(plain.priority === undefined && spec && { priority: spec.priority }),
        headers: { ...from?.headers, ...plain.headers },
        ...(at !== undefined && { at: new Date(at) }),
        ...(expiresAt && { expires: new Date(expiresAt) }),
      },
      parent: { id: parent, root: from?.root ?? parent },
    })
    await broker.enqueue([envelope])
    return envelope.id
  }
}
