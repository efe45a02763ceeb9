import type { Millis } from "../../core/kit/clock.ts"
import { absenceOf, CANCELLED_MEMBER } from "../../core/task/group.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import { arrive } from "./groups.ts"
import { setFree } from "./keys.ts"
import { copy, type Live, putStatus, type Store } from "./store.ts"

/** Ends a live task as cancelled and answers the status that was written. */
export function endCancelled(store: Store, task: Live, now: Millis): TaskStatus {
  const { envelope } = task
  const status = copy(endedStatusOf(task, "cancelled", now))
  store.live.delete(envelope.id)
  putStatus(store, status)
  if (envelope.unique) setFree(store, envelope.unique.key, envelope.id)
  const absence = absenceOf(envelope, CANCELLED_MEMBER)
  if (absence) arrive(store, absence, now)
  return status
}
