import type { Clock, Millis } from "../kit/clock.ts"

/** Whether a worker's loops still turn, for whoever would start it anew if they did not. */
export interface Pulse {
  /** Hands on what the fetch loop waits for, and notes that it has been answered, with a refusal too. */
  turn<T>(work: Promise<T>): Promise<T>
  /** The same of a wait that may rightly be long: for a free slot, or for the last tasks to finish. */
  pause<T>(work: Promise<T>): Promise<T>
  /** The heartbeat has been round. */
  beat(): void
  /**
   * Since when, by the monotonic clock, one of the loops may have stood still: the older of their last turns; while
   * the fetch loop pauses, the heartbeat's.
   */
  lastProgressAt(): Millis
}

/** A pulse that begins now. */
export function createPulse(clock: Clock): Pulse {
  let turnedAt = clock.monotonic()
  let beatAt = turnedAt
  let pauses = 0
  const turned = () => {
    turnedAt = clock.monotonic()
  }
  return {
    turn: (work) => work.finally(turned),
    pause(work) {
      pauses += 1
      return work.finally(() => {
        pauses -= 1
        turned()
      })
    },
    beat() {
      beatAt = clock.monotonic()
    },
    lastProgressAt: () => (pauses > 0 ? beatAt : Math.min(turnedAt, beatAt)),
  }
}
