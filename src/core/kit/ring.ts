/** Wakes who waits. A ring that nobody waits for is kept for the next who does. */
export interface Ring {
  ring(): void
  /** Resolves at the next ring, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void>
}

/** A ring for one who waits. */
export function createRing(): Ring {
  let rung = false
  let wake = () => {}
  return {
    ring() {
      rung = true
      wake()
    },
    next: (signal) =>
      new Promise((resolve) => {
        const look = () => {
          if (!rung && !signal.aborted) return
          rung = false
          signal.removeEventListener("abort", look)
          resolve()
        }
        wake = look
        signal.addEventListener("abort", look)
        look()
      }),
  }
}
