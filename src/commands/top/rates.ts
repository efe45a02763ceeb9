import type { Presence } from "../../core/contracts/workers.ts"

/** How many tasks a second. */
export interface Rates {
  readonly succeeded: number
  readonly failed: number
  readonly retried: number
}

export const NO_RATES: Rates = Object.freeze({ succeeded: 0, failed: 0, retried: 0 })

/** Remembers what workers said of themselves, to tell how fast they are. */
export interface Speedometer {
  /** The rates of a worker between its last two signs of life; of one seen for the first time since it started. */
  of(worker: Presence): Rates
  /** Forgets those who are gone. */
  keep(workers: readonly Presence[]): void
}

interface Seen {
  readonly seenAt: number
  readonly done: Presence["done"]
  readonly rates: Rates
}

/** One that has seen nobody yet. */
export function createSpeedometer(): Speedometer {
  let known = new Map<string, Seen>()
  return {
    of({ id, startedAt, seenAt, done }) {
      const before = known.get(id)
      if (before && seenAt <= before.seenAt) return before.rates
      const from = before ?? { seenAt: startedAt, done: NO_RATES }
      const seconds = (seenAt - from.seenAt) / 1000
      const rate = (kind: keyof Rates) =>
        seconds > 0 ? Math.max(0, done[kind] - from.done[kind]) / seconds : 0
      const rates = { succeeded: rate("succeeded"), failed: rate("failed"), retried: rate("retried") }
      known.set(id, { seenAt, done, rates })
      return rates
    },
    keep(workers) {
      const here = new Set(workers.map(({ id }) => id))
      known = new Map([...known].filter(([id]) => here.has(id)))
    },
  }
}

/** The rates of all together. */
export const sumOf = (all: readonly Rates[]): Rates =>
  all.reduce(
    (sum, one) => ({
      succeeded: sum.succeeded + one.succeeded,
      failed: sum.failed + one.failed,
      retried: sum.retried + one.retried,
    }),
    NO_RATES,
  )

/** `0`, `0.25`, `3.1`, `42`: three digits are enough for anybody who looks. */
export const rateText = (rate: number): string =>
  rate === 0 ? "0" : rate >= 100 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)))
