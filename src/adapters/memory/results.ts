import type { ResultBackend, StatusFilter } from "../../core/contracts/results.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { endOf, isEnded, type TaskStatus } from "../../core/task/status.ts"
import { putStatus, type Store } from "./store.ts"

export function createResults(store: Store, clock: Clock, closing: AbortSignal): ResultBackend {
  const byEnd = () =>
    [...store.statuses.values()].sort((a, b) => endOf(a) - endOf(b) || (a.id < b.id ? -1 : 1))

  return {
    async put(statuses) {
      for (const status of statuses) putStatus(store, status)
      store.bell.ring()
    },

    async get(ids) {
      return ids.map((id) => store.statuses.get(id))
    },

    async wait(id, until, signal) {
      const stop = signal ? AbortSignal.any([signal, closing]) : closing
      while (true) {
        const status = store.statuses.get(id)
        if (status && isEnded(status.state)) return status
        const now = clock.now()
        if (stop.aborted || until <= now) return undefined
        await store.bell.next(clock, until - now, stop)
      }
    },

    async list(filter) {
      return byEnd()
        .reverse()
        .filter((status) => matches(filter, status, endOf(status)))
        .slice(0, filter.limit)
    },

    async forget(ids) {
      for (const id of ids) store.statuses.delete(id)
    },

    async prune({ succeededBefore, otherBefore, max }) {
      const old = byEnd().filter(
        (status) => endOf(status) < (status.state === "succeeded" ? succeededBefore : otherBefore),
      )
      for (const { id } of old.slice(0, max)) store.statuses.delete(id)
      return Math.min(old.length, max)
    },
  }
}

/** Whether a task whose place in the list is `at` is asked for. */
export const matches = (filter: StatusFilter, { state, task, queue }: TaskStatus, at: number): boolean =>
  (filter.states?.includes(state) ?? true) &&
  (filter.task ?? task) === task &&
  (filter.queue ?? queue) === queue &&
  at >= (filter.since ?? Number.NEGATIVE_INFINITY) &&
  at < (filter.until ?? Number.POSITIVE_INFINITY)
