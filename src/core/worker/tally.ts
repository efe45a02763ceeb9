import type { Events } from "../observe/events.ts"

/** What a worker has done since it started. */
export interface Tally {
  succeeded: number
  failed: number
  retried: number
}

/** Counts from now on. */
export function keepTally(events: Events): Tally {
  const tally: Tally = { succeeded: 0, failed: 0, retried: 0 }
  events.on(({ kind }) => {
    if (kind === "succeeded") tally.succeeded++
    else if (kind === "failed") tally.failed++
    else if (kind === "retrying") tally.retried++
  })
  return tally
}
