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

/** The machine's own clock until it follows a store. */
export function storeClock(machine: Clock): StoreClock {
  let anchor: { at: Millis; store: Millis } | undefined
  return {
    ...machine,
    now: () => (anchor ? Math.round(anchor.store + machine.monotonic() - anchor.at) : machine.now()),
    follow(storeNow, asked) {
      anchor = { at: (asked + machine.monotonic()) / 2, store: storeNow }
    },
  }
}
