import { makeEnvelope } from "../client/envelope.ts"
import type { Broker } from "../contracts/broker.ts"
import type { ChildAsk, Isolates } from "../contracts/isolates.ts"
import type { Clock } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import type { Router } from "../policy/routing.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Leases } from "./held.ts"

interface Parts {
  readonly broker: Broker
  readonly isolates: Isolates
  readonly leases: Leases
  readonly clock: Clock
  readonly router?: Router | undefined
}

/**
 * A handler's `ctx.enqueue`: stores the child with its parent's trace and, where the handler was silent, the queue
 * and priority that routing, or its definition in this worker's modules, says. A child that is already there is left as it is.
 */
export function childEnqueuer({ broker, isolates, leases, clock, router }: Parts) {
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
    const child = {
      task,
      input,
      options: {
        ...plain,
        headers: { ...from?.headers, ...plain.headers },
        ...(at !== undefined && { at: new Date(at) }),
        ...(expiresAt && { expires: new Date(expiresAt) }),
      },
      defaults: spec,
      parent: { id: parent, root: from?.root ?? parent },
    }
    const envelope = makeEnvelope(clock, child, router)
    await broker.enqueue([envelope])
    return envelope.id
  }
}
