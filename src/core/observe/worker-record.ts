import type { Clock } from "../kit/clock.ts"
import { type EventKind, eventError, type StoredEvent } from "../task/event.ts"
import type { EventTask, Listener } from "./events.ts"

/** Records what a worker says it did: the changes of state that it alone knows of. */
export function workerRecord(worker: string, record: (event: StoredEvent) => void, clock: Clock): Listener {
  // Written out field by field: a busy worker makes tens of thousands of these a second.
  const plain = (kind: EventKind, { id, task, queue, attempt }: EventTask): StoredEvent => ({
    kind,
    at: clock.now(),
    id,
    task,
    queue,
    attempt,
    worker,
  })
  return (event) => {
    switch (event.kind) {
      case "started":
      case "released":
      case "cancelled":
      case "expired":
      case "lease_lost":
        return record(plain(event.kind, event))
      case "succeeded": {
        const { id, task, queue, attempt, ms } = event
        return record({ kind: "succeeded", at: clock.now(), id, task, queue, attempt, worker, ms })
      }
      case "retrying":
      case "failed":
        return record({
          ...plain(event.kind, event),
          ...(event.kind === "retrying" && { dueAt: event.at }),
          error: eventError(event.error),
        })
      case "ready":
        return record({ kind: "worker_ready", at: clock.now(), worker })
      case "stopped":
        return record({ kind: "worker_stopped", at: clock.now(), worker })
    }
  }
}
