import type { Clock, Millis } from "./clock.ts"

const OVER = "over"

/**
 * Waits for `work`, but not longer than `ms`: the answer, or undefined when the time was over. The work is given
 * a signal that aborts then; its timer never outlives the wait. Rejects as the work does.
 */
export async function within<T>(
  clock: Clock,
  ms: Millis,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController()
  const late = clock.sleep(ms, over.signal).then(() => undefined)
  try {
    return await Promise.race([work(over.signal), late])
  } finally {
    // With a reason of its own: else each call would make an error, and note where it was made.
    over.abort(OVER)
  }
}

/**
 * Waits for what waits until an instant, at most for as long as the instant is away now: by the monotonic clock, so that
 * a wall clock which is put back meanwhile does not make it a longer wait. Undefined when that time was over.
 */
export function until<T>(
  clock: Clock,
  instant: Millis,
  wait: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (instant === Number.POSITIVE_INFINITY) return wait(signal)
  const ms = Math.max(0, instant - clock.now())
  return within(clock, ms, (late) => wait(AbortSignal.any([late, signal])))
}

/** Resolves when the signal aborts. */
export const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
