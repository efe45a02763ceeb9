import type { ResultBackend } from "../contracts/results.ts"
import type { Clock } from "../kit/clock.ts"
import { until } from "../kit/deadline.ts"
import type { Duration } from "../kit/duration.ts"
import { StemError } from "../kit/errors.ts"
import type { TaskId } from "../task/envelope.ts"
import { isEnded, type TaskStatus } from "../task/status.ts"
import { endIn } from "./flows.ts"

/** How long somebody waits, and what makes him stop. */
export interface Waiting {
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/**
 * The status of a task once it has ended, or as it is when the time is over: by the monotonic clock, so that a wall clock
 * which is put back does not make it a longer wait. Throws `unknown_task_id`.
 */
export async function waitForTask(
  { results, clock }: { readonly results: Pick<ResultBackend, "wait">; readonly clock: Clock },
  id: TaskId,
  find: (id: TaskId) => Promise<TaskStatus | undefined>,
  { timeout, signal }: Waiting = {},
): Promise<TaskStatus> {
  const known = await find(id)
  if (!known)
    throw new StemError("missing", "unknown_task_id", `no task has the id ${id}`, {
      hint: "Its result may have been removed after its retention; see `stem config`.",
    })
  if (isEnded(known.state)) return known
  const wait = (over: AbortSignal) => results.wait(id, Number.POSITIVE_INFINITY, over)
  return (await until(clock, endIn(clock, timeout), wait, signal)) ?? (await find(id)) ?? known
}
