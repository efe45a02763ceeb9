import type { ResultBackend } from "../../core/contracts/results.ts"
import { type EndState, endOf, isEnded, type TaskStatus } from "../../core/task/status.ts"
import { gather } from "./gather.ts"
import { batches, CHUNK, chunks, packStatus, unpackStatus } from "./records.ts"
import type { Store } from "./store.ts"

const STATES: readonly EndState[] = ["succeeded", "failed", "cancelled", "expired"]

/** Read for one page of a list; a filter that little fits asks for many. */
const PAGE = 200

export function createResults(store: Store): ResultBackend {
  const { clock, bell, closing, prefix } = store
  /** A thousand waiters look with a few calls. Each look asks to be told of the end of what has not ended. */
  const watch = gather(async (ids: readonly string[]) =>
    (await Promise.all(chunks(ids, CHUNK).map((some) => store.run<string[]>("watch", some)))).flat(),
  )

  async function get(ids: readonly string[]): Promise<(TaskStatus | undefined)[]> {
    const texts = await Promise.all(
      chunks(ids, CHUNK).map((some) => store.use((client) => client.hmget(`${prefix}statuses`, ...some))),
    )
    return texts.flat().map((text) => unpackStatus(text ?? ""))
  }

  /** Ids that may have ended so, the latest first; a list ends where an instant does. */
  async function* endedOf(state: EndState, range: readonly [string | number, string | number]) {
    let ids: { id: string; ended: number }[] = []
    for (let from = 0; ; from += PAGE) {
      const how = ["BYSCORE", "REV", "LIMIT", from, PAGE, "WITHSCORES"] as const
      const members = (await store.range(`${prefix}ended:${state}`, ...range, ...how)).flat()
      for (let at = 0; at < members.length; at += 2) {
        const ended = Number(members[at + 1])
        if (ids.length > PAGE && ids.at(-1)?.ended !== ended) {
          yield ids
          ids = []
        }
        for (const id of (members[at] as string).split(" ")) ids.push({ id, ended })
      }
      if (members.length < 2 * PAGE) break
    }
    if (ids.length > 0) yield ids
  }

  return {
    async put(statuses) {
      // Only what has ended is remembered; the rest is read from the broker's books.
      const packed = statuses
        .filter(({ state }) => isEnded(state))
        .map((status) => [status.id, packStatus(status)])
      await Promise.all(batches(packed).map(({ args }) => store.run("put", args)))
    },

    get,

    async wait(id, until, signal) {
      const stop = signal ? AbortSignal.any([signal, closing]) : closing
      const ear = bell.listen([`t${id}`])
      try {
        while (true) {
          ear.rest()
          if (closing.aborted) return undefined
          await bell.ready()
          const status = unpackStatus((await watch([id]))[0] ?? "")
          if (status && isEnded(status.state)) return status
          const now = clock.now()
          if (stop.aborted || until <= now) return undefined
          await ear.next(until - now, stop)
        }
      } catch (error) {
        if (!closing.aborted) throw error
        return undefined
      } finally {
        ear.close()
      }
    },

    async list({ states, task, queue, since, until, limit }) {
      const range = [until === undefined ? "+inf" : `(${until}`, since ?? "-inf"] as const
      const found = new Map<string, TaskStatus>()
      for (const state of STATES) {
        if (states && !states.includes(state)) continue
        let fitting = 0
        for await (const ids of endedOf(state, range)) {
          for (const [at, status] of (await get(ids.map(({ id }) => id))).entries()) {
            if (!status || status.state !== state || endOf(status) !== ids[at]?.ended) continue
            if ((task ?? status.task) !== status.task || (queue ?? status.queue) !== status.queue) continue
            found.set(status.id, status)
            fitting += 1
          }
          if (fitting >= limit) break
        }
      }
      return [...found.values()].sort((a, b) => endOf(b) - endOf(a) || (a.id < b.id ? 1 : -1)).slice(0, limit)
    },

    async forget(ids) {
      await Promise.all(chunks(ids, CHUNK).map((some) => store.run("forget", some)))
    },

    async prune({ succeededBefore, otherBefore, max }) {
      let removed = 0
      while (removed < max) {
        const most = Math.min(CHUNK, max - removed)
        const some = await store.run<number>("prune", [succeededBefore, otherBefore, most].map(String))
        removed += some
        if (some < most) break
      }
      return removed
    },
  }
}
