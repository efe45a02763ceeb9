import type { Clock, Millis } from "../kit/clock.ts"

/** The two clocks of a machine drift apart slowly; only a leap of more than this is one. */
const LEAP: Millis = 1000

/**
 * Compares the wall clock with the monotonic one: what the first moved more than the second since the last look, if
 * that is a jump. A machine that slept jumps forwards, for its monotonic clock stood still.
 */
export function watchClock(clock: Clock): () => Millis | undefined {
  const apart = () => clock.now() - clock.monotonic()
  let last = apart()
  return () => {
    const now = apart()
    const jump = now - last
    last = now
    return Math.abs(jump) > LEAP ? Math.round(jump) : undefined
  }
}
