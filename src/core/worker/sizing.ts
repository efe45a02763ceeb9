import type { Isolates } from "../contracts/isolates.ts"
import type { Listener } from "../observe/events.ts"
import type { Slots } from "./slots.ts"

/** How large a worker is, and how that is changed while it runs. */
export interface Sizing {
  /** Tasks at once, now. */
  concurrency(): number
  /**
   * As many tasks at once from now on, at least one, with as many isolates as that needs. No running task is touched:
   * what is too many is not given out again. The same number again changes nothing and is not told.
   */
  resize(concurrency: number, reason: string): void
}

/** What changes with the size. */
interface Parts {
  readonly slots: Slots
  readonly isolates: Isolates
  /** How many isolates so many tasks at once need. */
  readonly isolatesFor: (concurrency: number) => number
  readonly emit: Listener
}

/** Sizing of these slots and isolates. */
export const createSizing = ({ slots, isolates, isolatesFor, emit }: Parts): Sizing => ({
  concurrency: slots.size,
  resize(concurrency, reason) {
    const from = slots.size()
    slots.resize(concurrency)
    const to = slots.size()
    if (to === from) return
    const count = isolatesFor(to)
    isolates.resize?.(count)
    emit({ kind: "resized", from, to, isolates: count, reason })
  },
})
