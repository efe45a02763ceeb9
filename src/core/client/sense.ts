import type { Millis } from "../kit/clock.ts"
import { formatDuration } from "../kit/duration.ts"
import { invalid } from "../kit/errors.ts"
import { formatInstant } from "../kit/instant.ts"
import { isForestalled } from "../task/time-limits.ts"

/** What can not be meant: a task that would expire before it may run, a limit that another one forestalls. */
export function refuseNonsense(task: {
  readonly now: Millis
  readonly dueAt: Millis
  readonly expiresAt?: Millis
  readonly timeLimits?: { readonly softMs?: Millis; readonly hardMs?: Millis }
}): void {
  const { now, dueAt, expiresAt, timeLimits } = task
  if (expiresAt !== undefined && expiresAt <= Math.max(now, dueAt))
    throw invalid(
      "expires_too_soon",
      `it would expire at ${formatInstant(expiresAt)}, before it may run: ${dueAt > now ? `it is due at ${formatInstant(dueAt)}` : "that has passed"}`,
      "Give a later expiry, or none.",
    )
  const { softMs, hardMs } = timeLimits ?? {}
  if (isForestalled(softMs, hardMs))
    throw invalid(
      "limits_crossed",
      `the soft limit of ${formatDuration(softMs as Millis)} is longer than the hard one of ${formatDuration(hardMs as Millis)}`,
      "The soft limit comes first, so that a handler can tidy up before the hard one kills it.",
    )
}
