import type { Millis } from "../kit/clock.ts"

/** Whether the soft limit would never be reached, because the hard one comes first. */
export const isForestalled = (softMs: Millis | undefined, hardMs: Millis | undefined): boolean =>
  softMs !== undefined && hardMs !== undefined && softMs > hardMs
