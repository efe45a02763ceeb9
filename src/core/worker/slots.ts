/**
 * The one bound on how many tasks run at once; and on how many are held, for a store that is slow to settle must not
 * let a worker hoard: as many again as may run.
 */
export interface Slots {
  /** How many more may be taken now. */
  free(): number
  take(count: number): void
  /** A handler has ended. */
  give(): void
  /** What it came to is stored. */
  settled(): void
  /** Resolves when a slot is free or the signal aborts. */
  available(signal: AbortSignal): Promise<void>
  /** Resolves when all slots are free or the signal aborts. */
  allFree(signal: AbortSignal): Promise<void>
}

/** So many slots, all free. */
export function createSlots(size: number): Slots {
  let taken = 0
  let held = 0
  const waiters = new Set<() => void>()

  function until(enough: () => boolean, signal: AbortSignal): Promise<void> {
    if (enough() || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const look = () => {
        if (!enough() && !signal.aborted) return
        waiters.delete(look)
        signal.removeEventListener("abort", look)
        resolve()
      }
      waiters.add(look)
      signal.addEventListener("abort", look)
    })
  }

  const free = () => Math.min(size - taken, 2 * size - held)

  return {
    free,
    take(count) {
      taken += count
      held += count
    },
    give() {
      taken--
      for (const look of waiters) look()
    },
    settled() {
      held--
      for (const look of waiters) look()
    },
    available: (signal) => until(() => free() > 0, signal),
    allFree: (signal) => until(() => taken === 0, signal),
  }
}
