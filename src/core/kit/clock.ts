/** Milliseconds: an instant since 1970-01-01 UTC where it names a point in time, else a length. */
export type Millis = number

/**
 * Time and chance, handed in. Core reads neither by itself, so a simulated cluster runs a week in a second.
 */
export interface Clock {
  /** The wall time. May jump when the machine's clock is set; use it for what is stored and shown. */
  now(): Millis
  /** Milliseconds that only grow, from any start. Use it for measuring and for trusting a lease. */
  monotonic(): Millis
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: Millis, signal?: Waker): Promise<void>
  /** Evenly spread in [0, 1). */
  random(): number
}

/** What a sleep needs of a signal: to hear once that it is over. */
export interface Waker {
  readonly aborted: boolean
  addEventListener(kind: "abort", wake: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(kind: "abort", wake: () => void): void
}
