import type { Clock, Millis } from "./clock.ts"

/**
 * A clock that goes by its store's time. Leases and due times are compared by every process that shares a store; were
 * each to ask its own machine, one whose clock is an hour fast would take every lease for lost. Between two looks at
 * the store it runs by the monotonic clock, so that setting the machine's clock changes nothing either.
 */
export interface StoreClock extends Clock {
  /** `storeNow` was read somewhere between `asked` and now, both by this machine's monotonic clock. */
  follow(storeNow: Millis, asked: Millis): void
}

/** What is known of how far the store's time is ahead of the monotonic clock, as of `at`. */
interface Lead {
  readonly least: Millis
  readonly most: Millis
  readonly at: Millis
}

/** Two clocks that are looked after part by less than this share of the time that passes. */
const DRIFT = 20e-6

/**
 * The machine's own clock until it follows a store. Each look says between which bounds the lead lies, as far apart as the
 * answer took; what a quick answer has said still holds at a slow one (the intersection of Marzullo's algorithm), so tasks
 * that are due at once for their sender are so for their worker too. Bounds that contradict the ones before are of a clock that
 * was set, and replace them.
 */
export function storeClock(machine: Clock): StoreClock {
  let known: Lead | undefined
  return {
    ...machine,
    now: () => (known ? Math.round(machine.monotonic() + (known.least + known.most) / 2) : machine.now()),
    follow(storeNow, asked) {
      const at = machine.monotonic()
      const seen = { least: storeNow - at, most: storeNow - asked, at }
      const both = known ? intersection(seen, known) : seen
      known = both.least <= both.most ? both : seen
    },
  }
}

function intersection(seen: Lead, before: Lead): Lead {
  const drifted = (seen.at - before.at) * DRIFT
  return {
    least: Math.max(seen.least, before.least - drifted),
    most: Math.min(seen.most, before.most + drifted),
    at: seen.at,
  }
}
