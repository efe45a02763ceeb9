import type { Millis } from "../kit/clock.ts"
import type { Backoff } from "../task/retry.ts"

/**
 * How long to wait after attempt number `attempt` (1 for the first) failed. Exponential doubles from `baseMs`,
 * linear adds `baseMs` each time, both up to `maxMs`; jitter then takes off up to its share of the delay, so that
 * tasks that failed together do not come back together. `random` is in [0, 1).
 */
export function backoffDelay(backoff: Backoff, attempt: number, random: number): Millis {
  switch (backoff.kind) {
    case "fixed":
      return backoff.baseMs
    case "linear":
      return jittered(Math.min(backoff.baseMs * attempt, backoff.maxMs), backoff.jitter, random)
    case "exponential":
      return jittered(Math.min(backoff.baseMs * 2 ** (attempt - 1), backoff.maxMs), backoff.jitter, random)
  }
}

const jittered = (delay: Millis, share: number, random: number): Millis =>
  Math.round(delay * (1 - share * random))
