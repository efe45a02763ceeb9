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
import { chunks } from "./records.ts"
import type { Store } from "./store.ts"

/** Batches that one script removes at most. */
const BUNCH = 200

export function createEvents(store: Store): EventLog {
  const { bell, clock, closing } = store

  async function fetch(batch: string, count: number, backward = false) {
    const args = [batch, String(count), backward ? "1" : "0"]
    const [trimmed, last, ...rest] = await store.run<[string, string, ...string[]]>("eventRead", args)
    const batches = chunks(rest, 2).map(([id, text]) => ({ id, text }) as EventBatch)
    return { trimmed, last, batches }
  }

  return {
    async append(events) {
      const count = String(events.length)
      if (events.length === 0) return { kept: 0 }
      const kept = await store.run<number>("eventAppend", [String(clock.now()), count, encodeEvents(events)])
      return { kept }
    },

    async read(cursor, max) {
      const place = placeOf(cursor)
      const { trimmed, batches } = await fetch(place.batch, AT_ONCE)
      return { ...readForward(batches, place, max), gap: hasGap(place, trimmed) }
    },

    async back(cursor, max) {
      const before = async (batch: string, count: number) => (await fetch(batch, count, true)).batches
      return { ...(await readBack(before, placeOf(cursor), max)), gap: false }
    },

    async position(where) {
      if (typeof where === "number") return where < 1 ? "0-0" : `${Math.ceil(where) - 1}-${LAST_OF_MS}`
      const { trimmed, last } = await fetch("0-0", 1)
      return where === "newest" ? last : trimmed
    },

    prune: ({ keep, before }) =>
      store.run<number>("eventPrune", [String(keep), String(before), String(BUNCH)]),

    async wait(cursor, until, signal) {
      const { batch, index } = placeOf(cursor)
      const whole = index === Number.POSITIVE_INFINITY ? "1" : "0"
      const stop = AbortSignal.any([signal, closing])
      const ear = bell.listen(["e"])
      try {
        while (!stop.aborted) {
          ear.rest()
          await bell.ready()
          const more = await store.run<number>("eventWait", [batch, whole])
          const now = clock.now()
          if (more === 1 || until <= now) return
          await ear.next(until - now, stop)
        }
      } catch (error) {
        if (!closing.aborted) throw error
      } finally {
        ear.close()
      }
    },
  }
}

/** The greatest second half of a stream's id. */
const LAST_OF_MS = "18446744073709551615"
