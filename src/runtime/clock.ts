import type { Clock } from "../core/kit/clock.ts"

/** The machine's own time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const finish = () => {
        clearTimeout(timer)
        signal?.removeEventListener("abort", finish)
        resolve()
      }
      // A timer holds at most 2^31-1 ms (25 days); a longer sleep ends early, and its caller looks again.
      const timer = setTimeout(finish, Math.min(ms, 2 ** 31 - 1))
      signal?.addEventListener("abort", finish, { once: true })
    }),
  random: Math.random,
}
