import type { Clock, Millis, Waker } from "./clock.ts"

const OVER = "over"

/**
 * Waits for `work`, but not longer than `ms`: the answer, or undefined when the time was over. The work is given
 * a signal that aborts then; its timer never outlives the wait. Rejects as the work does.
 */
export async function within<T>(
  clock: Clock,
  ms: Millis,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController()
  const late = clock.sleep(ms, over.signal).then(() => undefined)
  try {
    return await Promise.race([work(over.signal), late])
  } finally {
    // With a reason of its own: else each call would make an error, and note where it was made.
    over.abort(OVER)
  }
}

/**
 * Waits for an answer, but not longer than `ms`: undefined when the time was over. For calls that nothing can stop
 * anyway: they pay for no signal.
 */
export function inTime<T>(clock: Clock, ms: Millis, answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const bell = alarm()
    void clock.sleep(ms, bell).then(() => resolve(undefined))
    answer.then(
      (value) => {
        resolve(value)
        bell.ring()
      },
      (error) => {
        reject(error)
        bell.ring()
      },
    )
  })
}

/**
 * Waits for what waits until an instant, at most for as long as the instant is away now: by the monotonic clock, so that
 * a wall clock which is put back meanwhile does not make it a longer wait. Undefined when that time was over; the wait's
 * signal aborts then.
 */
export function until<T>(
  clock: Clock,
  instant: Millis,
  wait: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal = NEVER,
): Promise<T | undefined> {
  if (instant === Number.POSITIVE_INFINITY) return wait(signal)
  const ms = Math.max(0, instant - clock.now())
  const late = new AbortController()
  return inTime(clock, ms, wait(AbortSignal.any([late.signal, signal]))).then((answer) => {
    if (answer === undefined) late.abort(OVER)
    return answer
  })
}

const NEVER = new AbortController().signal

/** The simplest that wakes a sleep, once; an AbortController costs ten times as much, which a task that waits feels. */
export function alarm(): Waker & { ring(): void } {
  let wake: (() => void) | undefined
  const bell = {
    aborted: false,
    addEventListener(_kind: "abort", woken: () => void) {
      wake = woken
    },
    removeEventListener() {
      wake = undefined
    },
    ring() {
      bell.aborted = true
      wake?.()
    },
  }
  return bell
}

/** Resolves when the signal aborts. */
export const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
