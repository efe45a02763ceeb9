import type { Limiter, Slot } from "../../core/contracts/limits.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { FORGOTTEN, HANDED, type LimitBooks, takeLimits } from "../../core/task/limit.ts"
import type { Store } from "./store.ts"

export function createLimits({ limits }: Store, clock: Clock): Limiter {
  const { buckets } = limits

  const slotsOf = (key: string) => {
    const slots = limits.slots.get(key) ?? new Map()
    limits.slots.set(key, slots)
    for (const [id, { until }] of slots) if (until <= clock.now()) slots.delete(id)
    return slots
  }

  const lineOf = (key: string) => {
    const line = limits.lines.get(key) ?? new Map()
    limits.lines.set(key, line)
    for (const [id, at] of line) if (at + FORGOTTEN <= clock.now()) line.delete(id)
    return line
  }

  const books: LimitBooks = {
    bucket: (key) => buckets.get(key),
    setBucket: (key, state) => void buckets.set(key, state),
    holds: (key, id) => slotsOf(key).has(id),
    taken: (key) => slotsOf(key).size,
    waiting: (key) => lineOf(key).size,
    takeSlot(key, id, token, until) {
      slotsOf(key).set(id, { token, until })
      lineOf(key).delete(id)
    },
  }

  /** Hands free slots to the first of the line. */
  function hand(key: string, most: number): Slot[] {
    const [slots, line] = [slotsOf(key), lineOf(key)]
    const first = [...line].sort(([a, at], [b, bt]) => at - bt || (a < b ? -1 : 1))
    return first.slice(0, Math.max(0, most - slots.size)).map(([id]) => {
      line.delete(id)
      slots.set(id, { token: 0, until: clock.now() + HANDED })
      return { key, id, token: 0, most }
    })
  }

  const handEach = (of: readonly { key: string; most: number }[]) =>
    [...new Map(of.map(({ key, most }) => [key, most]))].flatMap(([key, most]) => hand(key, most))

  return {
    async take(asks, leaseMs, room) {
      const taking = { now: clock.now(), leaseMs, room, refused: new Map() }
      return asks.map((ask) => takeLimits(books, ask, taking))
    },

    async keep(kept, leaseMs) {
      for (const { key, id, token } of kept) {
        const slot = slotsOf(key).get(id)
        if (slot?.token === token) slot.until = clock.now() + leaseMs
      }
    },

    async free(freed) {
      for (const { key, id, token } of freed) {
        const slots = slotsOf(key)
        if (slots.get(id)?.token === token) slots.delete(id)
      }
      return handEach(freed)
    },

    async park(waits) {
      for (const { key, id, retryAt } of waits) if (!slotsOf(key).has(id)) lineOf(key).set(id, retryAt)
      return handEach(waits)
    },

    async prune(max) {
      const now = clock.now()
      const ended = [...buckets].filter(([, { over }]) => over <= now).slice(0, max)
      for (const [key] of ended) buckets.delete(key)
      for (const key of limits.slots.keys()) if (slotsOf(key).size === 0) limits.slots.delete(key)
      for (const key of limits.lines.keys()) if (lineOf(key).size === 0) limits.lines.delete(key)
      return ended.length
    },
  }
}
