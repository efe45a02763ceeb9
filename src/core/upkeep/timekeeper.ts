import type { Clock, Millis } from "../kit/clock.ts"

/** Often enough that a clock which stood still with its machine is right again before a lease is judged by it. */
const EVERY: Millis = 5000
/** Who is that short-lived need not look again. */
const FIRST: Millis = 100
/** The first answer after a pause takes several times as long as the one after it, and says less. */
const LOOKS = 2

/** Keeps a process's clock with its store's until the signal aborts. A store that is away is asked again later. */
export async function timekeeper(
  follow: () => Promise<void>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = FIRST; ; pause = EVERY) {
    await clock.sleep(pause, signal)
    for (let look = 0; look < LOOKS; look++) {
      if (signal.aborted) return
      // That the store is away is told by those who work with it.
      await follow().catch(() => {})
    }
  }
}
