import type { Clock } from "../core/kit/clock.ts"

/**
 * The time of sockets. What is stored goes by the clock that is handed in, which a test may move by an hour in a
 * moment; whether a server answers in time only the machine's own clock can tell.
 */
export const machineClock: Clock = {
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
      const timer = setTimeout(finish, Math.min(ms, 0x7fffffff))
      signal?.addEventListener("abort", finish, { once: true })
    }),
  random: Math.random,
}
