import type { ResultBackend } from "../../core/contracts/results.ts"
import { type EndState, isEnded, type TaskStatus } from "../../core/task/status.ts"
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
  const endedKey = (state: EndState) => `${prefix}ended:${state}`

  async function get(ids: readonly string[]): Promise<(TaskStatus | undefined)[]> {
    const texts = await Promise.all(
      chunks(ids, CHUNK).map((some) => store.use((client) => client.hmget(`${prefix}statuses`, ...some))),
    )
    return texts.flat().map((text) => unpackStatus(text ?? ""))
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
      const found: TaskStatus[] = []
      for (const state of STATES) {
        if (states && !states.includes(state)) continue
        let fitting = 0
        for (let from = 0; fitting < limit; from += PAGE) {
          const ids = await store.range(
            endedKey(state),
            range[0],
            range[1],
            "BYSCORE",
            "REV",
            "LIMIT",
            from,
            PAGE,
          )
          for (const status of await get(ids)) {
            if (!status || (task ?? status.task) !== status.task || (queue ?? status.queue) !== status.queue)
              continue
            found.push(status)
            fitting += 1
          }
          if (ids.length < PAGE) break
        }
      }
      return found.sort((a, b) => endOf(b) - endOf(a) || (a.id < b.id ? 1 : -1)).slice(0, limit)
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

const endOf = (status: TaskStatus) => status.finishedAt ?? status.enqueuedAt
