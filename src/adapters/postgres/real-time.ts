import type { Clock } from "../../core/kit/clock.ts"

/**
 * The time that deadlines and polls of a connection go by, whatever clock the store was given: they watch the
 * network and other processes, not tasks.
 */
export const realTime: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener("abort", done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(ms, 0x7fffffff))
      signal?.addEventListener("abort", done, { once: true })
    }),
}
