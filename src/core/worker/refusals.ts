import type { Clock, Millis } from "../kit/clock.ts"
import type { Listener } from "../observe/events.ts"

/** So often at most people are told who waits for a turn. */
const EVERY: Millis = 10_000

/** Counts refusals by key and tells them together: at once when there was none for a while, then now and again. */
export function tellRefusals(emit: Listener, clock: Clock): (key: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  let waiting = false
  let counts = new Map<string, number>()

  function tell(): void {
    toldAt = clock.monotonic()
    waiting = false
    emit({ kind: "limited", refused: [...counts].map(([key, count]) => ({ key, count })) })
    counts = new Map()
  }

  return (key) => {
    counts.set(key, (counts.get(key) ?? 0) + 1)
    if (waiting || clock.monotonic() - toldAt < EVERY) return
    waiting = true
    // With the others of its batch.
    queueMicrotask(tell)
  }
}
