import type { EventLog } from "../../core/contracts/events.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { encodeEvents } from "../../core/task/event-batch.ts"
import { AT_ONCE, hasGap, placeOf, readBack, readForward } from "../../core/task/event-pages.ts"
import type { Store } from "./store.ts"

export function createEvents({ events: log, bell }: Store, clock: Clock, closing: AbortSignal): EventLog {
  const after = (batch: string) =>
    log.batches.filter(({ id }) => Number(id) >= Number(batch)).slice(0, AT_ONCE)
  const before = async (batch: string, count: number) =>
    log.batches
      .filter(({ id }) => Number(id) <= Number(batch))
      .slice(-count)
      .reverse()

  return {
    async append(events) {
      if (events.length > 0) {
        log.last = Math.max(log.last + 1, clock.now() * 1000)
        log.batches.push({ id: String(log.last), text: encodeEvents(events), count: events.length })
        log.kept += events.length
        bell.ring()
      }
      return { kept: log.kept }
    },

    async read(cursor, max) {
      const place = placeOf(cursor)
      return { ...readForward(after(place.batch), place, max), gap: hasGap(place, String(log.trimmed)) }
    },

    async back(cursor, max) {
      return { ...(await readBack(before, placeOf(cursor), max)), gap: false }
    },

    async position(where) {
      if (where === "oldest") return String(log.trimmed)
      return String(where === "newest" ? log.last : Math.max(0, where * 1000 - 1))
    },

    async prune({ keep, before: instant }) {
      let removed = 0
      for (let first = log.batches[0]; first; first = log.batches[0]) {
        if (log.kept <= keep && Number(first.id) >= instant * 1000) break
        log.batches.shift()
        log.trimmed = Number(first.id)
        log.kept -= first.count
        removed += first.count
      }
      return removed
    },

    async wait(cursor, until, signal) {
      const { batch, index } = placeOf(cursor)
      const stop = AbortSignal.any([signal, closing])
      while (!stop.aborted && clock.now() < until) {
        if (log.last > Number(batch) || (log.last === Number(batch) && index !== Number.POSITIVE_INFINITY))
          return
        await bell.next(clock, until - clock.now(), stop)
      }
    },
  }
}
