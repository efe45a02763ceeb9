import type { Clock, Millis } from "../kit/clock.ts"

/** Often enough that a clock which stood still with its machine is right again before a lease is judged by it. */
const EVERY: Millis = 5000

/** Keeps a worker's clock with its store's until the signal aborts. A store that is away is asked again later. */
export async function timekeeper(
  follow: () => Promise<void>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(EVERY, signal)
    // That the store is away is told by those who work with it.
    if (!signal.aborted) await follow().catch(() => {})
  }
}
