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

interface Books {
  readonly last: number
  readonly kept: number
  readonly trimmed: number
}

const EMPTY: Books = { last: 0, kept: 0, trimmed: 0 }
/** Batches that one call removes at most, so that nobody waits long for the lock. */
const BUNCH = 500

export function createEvents(store: Store): EventLog {
  const { commit, connection, clock, bell, ns } = store
  const { sql, patiently } = connection
  const note = sql(
    `INSERT INTO event_books (ns, last, kept) VALUES (?1, ?2, ?3)
     ON CONFLICT (ns) DO UPDATE SET last = max(last + 1, excluded.last), kept = kept + excluded.kept
     RETURNING last, kept, trimmed`,
  )
  const insert = sql("INSERT INTO events (ns, id, count, batch) VALUES (?1, ?2, ?3, ?4)")
  const find = sql("SELECT last, kept, trimmed FROM event_books WHERE ns = ?1")
  const from = sql("SELECT id, batch FROM events WHERE ns = ?1 AND id >= ?2 ORDER BY id LIMIT ?3")
  const until = sql("SELECT id, batch FROM events WHERE ns = ?1 AND id <= ?2 ORDER BY id DESC LIMIT ?3")
  const oldest = sql("SELECT id, count FROM events WHERE ns = ?1 ORDER BY id LIMIT ?2")
  const remove = sql("DELETE FROM events WHERE ns = ?1 AND id <= ?2")
  const trim = sql("UPDATE event_books SET kept = kept - ?2, trimmed = ?3 WHERE ns = ?1")

  const books = () => find.one<Books>(ns) ?? EMPTY
  const batches = (statement: typeof from, batch: string, count: number) =>
    statement
      .all<{ id: number; batch: string }>(ns, Number(batch), count)
      .map((row): EventBatch => ({ id: String(row.id), text: row.batch }))
  const before = (batch: string, count: number) => patiently(() => batches(until, batch, count))

  return {
    append(events) {
      if (events.length === 0) return patiently(() => ({ kept: books().kept }))
      const text = encodeEvents(events)
      return commit.writeSoftly(() => {
        const { last, kept } = note.one<Books>(ns, Math.round(clock.now() * 1000), events.length) as Books
        insert.run(ns, last, events.length, text)
        return { kept }
      })
    },

    async read(cursor, max) {
      const place = placeOf(cursor)
      const [found, trimmed] = await patiently(() => [
        batches(from, place.batch, AT_ONCE),
        // After the look, so that what was removed meanwhile is told too.
        String(books().trimmed),
      ])
      return { ...readForward(found, place, max), gap: hasGap(place, trimmed) }
    },

    back: async (cursor, max) => ({ ...(await readBack(before, placeOf(cursor), max)), gap: false }),

    async position(where) {
      if (typeof where === "number") return String(Math.max(0, Math.round(where * 1000) - 1))
      const { last, trimmed } = await patiently(books)
      return String(where === "newest" ? last : trimmed)
    },

    prune({ keep, before }) {
      return commit.writeSoftly(() => {
        let { kept } = books()
        let removed = 0
        let upTo = 0
        for (const { id, count } of oldest.all<{ id: number; count: number }>(ns, BUNCH)) {
          if (kept <= keep && id >= before * 1000) break
          upTo = id
          kept -= count
          removed += count
        }
        if (removed === 0) return 0
        remove.run(ns, upTo)
        trim.run(ns, removed, upTo)
        return removed
      })
    },

    async wait(cursor, end, signal) {
      const { batch, index } = placeOf(cursor)
      const least = index === Number.POSITIVE_INFINITY ? Number(batch) + 1 : Number(batch)
      while (!signal.aborted && !store.closed) {
        const heard = bell.heard()
        const { last } = await patiently(books)
        const now = clock.now()
        if (last >= least || end <= now) return
        await bell.next(heard, end - now, signal)
      }
    },
  }
}
