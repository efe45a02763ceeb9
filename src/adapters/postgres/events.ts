import type { EventLog } from "../../core/contracts/events.ts"
import { encodeEvents } from "../../core/task/event-batch.ts"
import {
  AT_ONCE,
  type EventBatch,
  hasGap,
  placeOf,
  readBack,
  readForward,
} from "../../core/task/event-pages.ts"
import type { Store } from "./store.ts"

/** Batches that one call removes at most. */
const BUNCH = 500

const NOTHING = "0"

interface BatchRow {
  readonly id: string
  readonly batch: string | null
  readonly trimmed: string | null
}

/**
 * Added on the connection that moves tasks, behind what it tells of; read on the desk's, which keeps no worker waiting.
 */
export function createEvents(store: Store): EventLog {
  const { work, desk, bell, clock, ns } = store
  const add = work.sql("SELECT stem.add_events($1, $2, $3, $4) AS kept")
  // The books are of the same snapshot as the batches: what was removed is told, and nothing else.
  const from = desk.sql(
    `SELECT e.id, e.batch, b.trimmed FROM stem.event_books b
     LEFT JOIN LATERAL (
       SELECT id, batch FROM stem.events WHERE ns = $1 AND id >= $2 ORDER BY id LIMIT $3
     ) AS e ON true
     WHERE b.ns = $1 ORDER BY e.id`,
  )
  const until = desk.sql(
    "SELECT id, batch, NULL AS trimmed FROM stem.events WHERE ns = $1 AND id <= $2 ORDER BY id DESC LIMIT $3",
  )
  const books = desk.sql("SELECT last, trimmed FROM stem.event_books WHERE ns = $1")
  const prune = desk.sql("SELECT stem.prune_events($1, $2, $3, $4) AS gone")

  const batchesOf = (rows: readonly BatchRow[]) =>
    rows.flatMap(({ id, batch }): EventBatch[] => (batch === null ? [] : [{ id: `${id}`, text: batch }]))
  const before = async (batch: string, count: number) =>
    batchesOf(await until.all<BatchRow>(ns, batch, count))
  const book = async () => {
    const row = await books.one<{ last: string; trimmed: string }>(ns)
    return { last: `${row?.last ?? NOTHING}`, trimmed: `${row?.trimmed ?? NOTHING}` }
  }

  return {
    async append(events) {
      if (events.length === 0) return { kept: 0 }
      const text = encodeEvents(events)
      const row = await add.one<{ kept: string }>(ns, Math.round(clock.now() * 1000), events.length, text)
      bell.ring("events")
      return { kept: Number(row?.kept) }
    },

    async read(cursor, max) {
      const place = placeOf(cursor)
      const rows = await from.all<BatchRow>(ns, place.batch, AT_ONCE)
      const trimmed = `${rows[0]?.trimmed ?? NOTHING}`
      return { ...readForward(batchesOf(rows), place, max), gap: hasGap(place, trimmed) }
    },

    back: async (cursor, max) => ({ ...(await readBack(before, placeOf(cursor), max)), gap: false }),

    async position(where) {
      if (typeof where === "number") return String(Math.max(0, Math.round(where * 1000) - 1))
      const { last, trimmed } = await book()
      return where === "newest" ? last : trimmed
    },

    async prune({ keep, before: instant }) {
      const row = await prune.one<{ gone: string }>(ns, keep, Math.round(instant * 1000), BUNCH)
      return Number(row?.gone ?? 0)
    },

    async wait(cursor, end, signal) {
      const { batch, index } = placeOf(cursor)
      const least = BigInt(batch) + (index === Number.POSITIVE_INFINITY ? 1n : 0n)
      await bell.attend("events", async () => {
        while (!signal.aborted && !store.closed) {
          const heard = bell.heard("events")
          const { last } = await book()
          const now = clock.now()
          if (BigInt(last) >= least || end <= now) return
          await bell.next("events", heard, end - now, signal)
        }
      })
    },
  }
}
