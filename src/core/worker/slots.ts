/**
 * The one bound on how many tasks run at once; and on how many are held, for a store that is slow to settle must not
 * let a worker hoard: as many again as may run.
 */
export interface Slots {
  /** How many tasks may run at once. */
  size(): number
  /**
   * As many from now on, at least one. Whoever waits for a slot is woken by more; fewer take nothing from who runs:
   * those above the number are not given out again once they are free.
   */
  resize(size: number): void
  /** How many more may be taken now; below one where more are taken than there are. */
  free(): number
  take(count: number): void
  /** The most that were taken at once since this was last asked. */
  peak(): number
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
export function createSlots(first: number): Slots {
  let size = first
  let taken = 0
  let held = 0
  let peak = 0
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

  function tellWaiters(): void {
    if (waiters.size > 0) for (const look of waiters) look()
  }

  const free = () => Math.min(size - taken, 2 * size - held)

  return {
    size: () => size,
    resize(wanted) {
      size = Math.max(1, wanted)
      tellWaiters()
    },
    free,
    peak() {
      const most = peak
      peak = taken
      return most
    },
    take(count) {
      taken += count
      peak = Math.max(peak, taken)
      held += count
    },
    give() {
      taken--
      tellWaiters()
    },
    settled() {
      held--
      tellWaiters()
    },
    available: (signal) => until(() => free() > 0, signal),
    allFree: (signal) => until(() => taken === 0, signal),
  }
}
