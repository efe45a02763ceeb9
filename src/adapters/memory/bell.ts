import type { Clock, Millis } from "../../core/kit/clock.ts"
import { alarm } from "../../core/kit/deadline.ts"

/** Tells those who wait that the store has changed. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, after `ms`, or when the signal aborts. */
  next(clock: Clock, ms: Millis, signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let listeners = new Set<() => void>()
  return {
    ring() {
      const woken = listeners
      listeners = new Set()
      for (const wake of woken) wake()
    },

    async next(clock, ms, signal) {
      const bell = alarm()
      const wake = bell.ring
      listeners.add(wake)
      signal?.addEventListener("abort", wake, { once: true })
      if (!signal?.aborted) await clock.sleep(ms, bell)
      signal?.removeEventListener("abort", wake)
      listeners.delete(wake)
    },
  }
}
