import type { ResultBackend } from "../../core/contracts/results.ts"
import { decodeStatus, encodeStatus, endOf, isEnded, type TaskStatus } from "../../core/task/status.ts"
import { createGather } from "./gather.ts"
import { numbers, soughtIds, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

export function createResults(store: Store): ResultBackend {
  const { work, desk, clock, bell, ns } = store
  const put = work.sql(
    `WITH written AS (
       INSERT INTO stem.statuses AS s (ns, id, state, task, queue, ended, token, status)
       SELECT $1::integer, n.* FROM unnest(
         stem.texts($2), stem.texts($3), stem.texts($4), stem.texts($5), $6::bigint[], $7::integer[], stem.texts($8)
       ) AS n
       ON CONFLICT (ns, id) DO UPDATE SET state = excluded.state, task = excluded.task, queue = excluded.queue,
         ended = excluded.ended, token = excluded.token, status = excluded.status
       WHERE excluded.token >= s.token
     )
     SELECT stem.ring($1, 1)`,
  )
  const get = desk.sql("SELECT id, status FROM stem.statuses WHERE ns = $1 AND id = ANY (stem.texts($2))")
  const list = desk.sql(
    `SELECT status FROM stem.statuses WHERE ns = $1 AND ended >= $2 AND ended < $3
       AND ($4::text IS NULL OR task = $4) AND ($5::text IS NULL OR queue = $5)
       AND ($6::text IS NULL OR state = ANY (stem.texts($6)))
     ORDER BY ended DESC, id DESC LIMIT $7`,
  )
  const forget = work.sql("DELETE FROM stem.statuses WHERE ns = $1 AND id = ANY (stem.texts($2))")
  // By their places: a join could be planned as one that compares all with all, while the statistics are of an empty table.
  const prune = desk.sql(
    `WITH old AS (
       DELETE FROM stem.statuses WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM stem.statuses WHERE ns = $1 AND ended < greatest($2::bigint, $3::bigint)
           AND ended < CASE state WHEN 'succeeded' THEN $2::bigint ELSE $3::bigint END
         ORDER BY ended, id LIMIT $4))
       RETURNING 1)
     SELECT count(*)::integer AS n FROM old`,
  )

  async function read(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map()
    const rows = await get.all<{ id: string; status: string }>(ns, soughtIds(ids))
    return new Map(rows.map(({ id, status }) => [id, status]))
  }

  /** All who wait look together. */
  const look = createGather<string, TaskStatus | undefined>(async (ids) => {
    const found = await read([...new Set(ids)])
    return ids.map((id) => decoded(found.get(id)))
  })

  return {
    async put(statuses) {
      const last = lastOfEach(statuses)
      if (last.length === 0) return
      await put.all(
        ...([ns, texts(last.map(({ id }) => id)), texts(last.map(({ state }) => state))] as const),
        ...([texts(last.map(({ task }) => task)), texts(last.map(({ queue }) => queue))] as const),
        ...([
          numbers(last.map(endOf)),
          numbers(last.map(({ token }) => token)),
          texts(last.map(encodeStatus)),
        ] as const),
      )
      bell.ring("ended")
    },

    async get(ids) {
      const found = await read(ids)
      return ids.map((id) => decoded(found.get(id)))
    },

    wait: (id, until, signal) =>
      bell.attend("ended", async () => {
        while (!store.closed) {
          const heard = bell.heard("ended")
          const [status] = await look([id])
          if (status && isEnded(status.state)) return status
          const now = clock.now()
          if (signal?.aborted || until <= now) return undefined
          await bell.next("ended", heard, until - now, signal)
        }
        return undefined
      }),

    async list({ states, task, queue, since, until, limit }) {
      if (states?.length === 0) return []
      const rows = await list.all<{ status: string }>(
        ...([ns, since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER] as const),
        ...([task ?? null, queue ?? null, states ? texts(states) : null, limit] as const),
      )
      return rows.map(({ status }) => decodeStatus(status))
    },

    async forget(ids) {
      await forget.all(ns, soughtIds(ids))
    },

    async prune({ succeededBefore, otherBefore, max }) {
      const row = await prune.one<{ n: number }>(ns, succeededBefore, otherBefore, max)
      return row?.n ?? 0
    },
  }
}

const decoded = (text: string | undefined) => (text === undefined ? undefined : decodeStatus(text))

/** Of several statuses for one id the one that stays: the highest token, then the latest. */
function lastOfEach(statuses: readonly TaskStatus[]): readonly TaskStatus[] {
  const last = new Map<string, TaskStatus>()
  for (const status of statuses) {
    const known = last.get(status.id)
    if (!known || known.token <= status.token) last.set(status.id, status)
  }
  return [...last.values()]
}
