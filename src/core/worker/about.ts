import type { EventTask } from "../observe/events.ts"
import type { Delivery } from "../task/lease.ts"

/** What every event about a task says of it. */
export const aboutTask = ({ envelope, attempt }: Delivery): EventTask => ({
  id: envelope.id,
  task: envelope.task,
  queue: envelope.queue,
  attempt,
})
