import type { ResultBackend } from "../../core/contracts/results.ts"
import { decodeStatus, encodeStatus, isEnded } from "../../core/task/status.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** So many waiters may look at every change; more of them share a look every few milliseconds. */
const EAGER_WAITERS = 50

export function createResults(store: Store, statuses: Statuses): ResultBackend {
  const { commit, clock, bell, connection, ns } = store
  const list = connection.sql(
    `SELECT status FROM statuses WHERE ns = ?1 AND ended >= ?2 AND ended < ?3
       AND (?4 IS NULL OR task = ?4) AND (?5 IS NULL OR queue = ?5)
       AND (?6 IS NULL OR state IN (SELECT value FROM json_each(?6)))
     ORDER BY ended DESC, id DESC LIMIT ?7`,
  )
  const prune = connection.sql(
    `DELETE FROM statuses WHERE seq IN (
       SELECT seq FROM statuses WHERE ns = ?1 AND ended < max(?2, ?3)
         AND ended < CASE state WHEN 'succeeded' THEN ?2 ELSE ?3 END
       ORDER BY ended, id LIMIT ?4)`,
  )
  let waiters = 0

  const read = (id: string) => {
    const text = statuses.get(id)
    return text === undefined ? undefined : decodeStatus(text)
  }

  return {
    put(written) {
      const texts = written.map(encodeStatus)
      return commit.write(() => {
        written.forEach((status, at) => {
          statuses.put(status, texts[at])
        })
      })
    },

    get: (ids) => connection.patiently(() => ids.map(read)),

    async wait(id, until, signal) {
      waiters += 1
      try {
        while (!store.closed) {
          const heard = bell.heard()
          const status = await connection.patiently(() => read(id))
          if (status && isEnded(status.state)) return status
          const now = clock.now()
          if (signal?.aborted || until <= now) return undefined
          await bell.next(heard, until - now, signal)
          if (waiters > EAGER_WAITERS) await clock.sleep(waiters / EAGER_WAITERS, signal)
        }
        return undefined
      } finally {
        waiters -= 1
      }
    },

    list: ({ states, task, queue, since, until, limit }) =>
      connection.patiently(() =>
        list
          .all<{ status: string }>(
            ns,
            since ?? Number.MIN_SAFE_INTEGER,
            until ?? Number.MAX_SAFE_INTEGER,
            task ?? null,
            queue ?? null,
            states ? JSON.stringify(states) : null,
            limit,
          )
          .map((row) => decodeStatus(row.status)),
      ),

    forget: (ids) => commit.write(() => ids.forEach(statuses.remove)),

    prune: ({ succeededBefore, otherBefore, max }) =>
      commit.write(() => prune.run(ns, succeededBefore, otherBefore, max)),
  }
}
