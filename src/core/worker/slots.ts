/** The one bound on how many tasks run at once. */
export interface Slots {
  free(): number
  take(count: number): void
  give(): void
  /** Resolves when a slot is free or the signal aborts. */
  available(signal: AbortSignal): Promise<void>
  /** Resolves when all slots are free or the signal aborts. */
  allFree(signal: AbortSignal): Promise<void>
}

/** So many slots, all free. */
export function createSlots(size: number): Slots {
  let taken = 0
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

  return {
    free: () => size - taken,
    take(count) {
      taken += count
    },
    give() {
      taken--
      for (const look of waiters) look()
    },
    available: (signal) => until(() => taken < size, signal),
    allFree: (signal) => until(() => taken === 0, signal),
  }
}
