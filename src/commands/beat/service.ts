import type { serviceManager } from "../../stem.ts"

type Manager = NonNullable<Awaited<ReturnType<typeof serviceManager>>>
type Again = (signal: AbortSignal) => Promise<void>

/** What a Beat does differently when a service manager has started it. */
export interface BeatService {
  /** Every turn of the loop, which is all the watchdog is answered by. */
  turned(): void
  /** The loop fires: signals are listened to. */
  ready(): void
  stopping(): void
  /** Waits as the one it is given does, and tells when the reading anew begins, and when it has ended. */
  again(wait: Again): Again
  /** The watchdog is answered no more. */
  end(): void
}

/** Tells the service manager how the Beat fares; without one nothing is told. */
export function beatService(manager: Manager | undefined, now: () => number): BeatService {
  let turnedAt = now()
  const unwatch = manager?.watch(() => turnedAt)
  return {
    turned() {
      turnedAt = now()
    },
    ready: () => manager?.ready(),
    stopping: () => manager?.stopping(),
    again(wait) {
      let reading = false
      return async (signal) => {
        if (reading) manager?.ready()
        await wait(signal)
        reading = !signal.aborted
        if (reading) manager?.reloading()
      }
    },
    end: () => unwatch?.(),
  }
}
