import type { Limiter, Slot } from "../../core/contracts/limits.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { type BucketState, FORGOTTEN, HANDED, type LimitBooks, takeLimits } from "../../core/task/limit.ts"
import type { Store } from "./store.ts"

export function createLimits({ commit, clock, connection: { sql }, ns }: Store): Limiter {
  const bucketOf = sql("SELECT next, line, over FROM buckets WHERE ns = ?1 AND key = ?2")
  const putBucket = sql(
    "INSERT OR REPLACE INTO buckets (ns, key, next, line, over) VALUES (?1, ?2, ?3, ?4, ?5)",
  )
  const dropSlots = sql("DELETE FROM slots WHERE ns = ?1 AND key = ?2 AND until <= ?3")
  const countSlots = sql("SELECT count(*) AS count FROM slots WHERE ns = ?1 AND key = ?2")
  const slotOf = sql("SELECT token FROM slots WHERE ns = ?1 AND key = ?2 AND id = ?3")
  const putSlot = sql("INSERT OR REPLACE INTO slots (ns, key, id, token, until) VALUES (?1, ?2, ?3, ?4, ?5)")
  const keepSlot = sql(
    "UPDATE slots SET until = ?5 WHERE ns = ?1 AND key = ?2 AND id = ?3 AND token = ?4 AND until > ?6",
  )
  const dropSlot = sql("DELETE FROM slots WHERE ns = ?1 AND key = ?2 AND id = ?3 AND token = ?4")
  const dropLine = sql("DELETE FROM lines WHERE ns = ?1 AND key = ?2 AND at <= ?3")
  const countLine = sql("SELECT count(*) AS count FROM lines WHERE ns = ?1 AND key = ?2")
  const firstOf = sql("SELECT id FROM lines WHERE ns = ?1 AND key = ?2 ORDER BY at, id LIMIT ?3")
  const enter = sql("INSERT OR REPLACE INTO lines (ns, key, id, at) VALUES (?1, ?2, ?3, ?4)")
  const leave = sql("DELETE FROM lines WHERE ns = ?1 AND key = ?2 AND id = ?3")
  const ended = [
    sql(`DELETE FROM buckets WHERE ns = ?1 AND key IN (
      SELECT key FROM buckets WHERE ns = ?1 AND over <= ?2 LIMIT ?3)`),
    sql(`DELETE FROM slots WHERE ns = ?1 AND (key, id) IN (
      SELECT key, id FROM slots WHERE ns = ?1 AND until <= ?2 LIMIT ?3)`),
    sql(`DELETE FROM lines WHERE ns = ?1 AND (key, id) IN (
      SELECT key, id FROM lines WHERE ns = ?1 AND at <= ?2 - ${FORGOTTEN} LIMIT ?3)`),
  ]

  const count = (statement: typeof countSlots, key: string) =>
    (statement.one<{ count: number }>(ns, key) as { count: number }).count

  /** The books of one call; what is asked for often is read once. Inside a transaction only. */
  function openBooks(now: Millis): LimitBooks & { write(): void } {
    const buckets = new Map<string, BucketState>()
    const taken = new Map<string, number>()
    const waiting = new Map<string, number>()
    const once = (known: Map<string, number>, key: string, read: () => number) => {
      const value = known.get(key) ?? read()
      known.set(key, value)
      return value
    }
    const books: LimitBooks = {
      bucket: (key) => buckets.get(key) ?? bucketOf.one<BucketState>(ns, key),
      setBucket: (key, state) => void buckets.set(key, state),
      holds: (key, id) => books.taken(key) > 0 && slotOf.one(ns, key, id) !== undefined,
      taken: (key) =>
        once(taken, key, () => {
          dropSlots.run(ns, key, now)
          return count(countSlots, key)
        }),
      waiting: (key) =>
        once(waiting, key, () => {
          dropLine.run(ns, key, now - FORGOTTEN)
          return count(countLine, key)
        }),
      takeSlot(key, id, token, until) {
        if (!books.holds(key, id)) taken.set(key, books.taken(key) + 1)
        putSlot.run(ns, key, id, token, until)
        const before = waiting.get(key)
        if (leave.run(ns, key, id) > 0 && before !== undefined) waiting.set(key, before - 1)
      },
    }
    const write = () => {
      for (const [key, { next, line, over }] of buckets) putBucket.run(ns, key, next, line, over)
    }
    return { ...books, write }
  }

  /** Hands free slots to the first of the lines; inside a transaction only. */
  function hand(of: readonly { key: string; most: number }[], now: Millis): Slot[] {
    const mosts = new Map(of.map(({ key, most }) => [key, most]))
    return [...mosts].flatMap(([key, most]) => {
      dropSlots.run(ns, key, now)
      dropLine.run(ns, key, now - FORGOTTEN)
      const room = Math.max(0, most - count(countSlots, key))
      return firstOf.all<{ id: string }>(ns, key, room).map(({ id }) => {
        leave.run(ns, key, id)
        putSlot.run(ns, key, id, 0, now + HANDED)
        return { key, id, token: 0, most }
      })
    })
  }

  return {
    take: (asks, leaseMs, room) =>
      commit.write(() => {
        const taking = { now: clock.now(), leaseMs, room, refused: new Map() }
        const books = openBooks(taking.now)
        const grants = asks.map((ask) => takeLimits(books, ask, taking))
        books.write()
        return grants
      }),

    keep: (slots, leaseMs) =>
      commit.write(() => {
        const now = clock.now()
        for (const { key, id, token } of slots) keepSlot.run(ns, key, id, token, now + leaseMs, now)
      }),

    free: (slots) =>
      commit.write(() => {
        for (const { key, id, token } of slots) dropSlot.run(ns, key, id, token)
        return hand(slots, clock.now())
      }),

    park: (waits) =>
      commit.write(() => {
        const now = clock.now()
        for (const { key } of waits) dropSlots.run(ns, key, now)
        for (const { key, id, retryAt } of waits)
          if (!slotOf.one(ns, key, id)) enter.run(ns, key, id, retryAt)
        return hand(waits, now)
      }),

    prune: (max) =>
      commit.write(() => ended.reduce((total, statement) => total + statement.run(ns, clock.now(), max), 0)),
  }
}
