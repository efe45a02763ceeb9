import type { Limiter, Slot, Wait } from "../../core/contracts/limits.ts"
import {
  AHEAD,
  FORGOTTEN,
  type Grant,
  HANDED,
  IDLE,
  LATE,
  LEAD,
  LOOK,
  LOOK_APART,
} from "../../core/task/limit.ts"
import { limitTable } from "../../core/task/limit-table.ts"
import { numbers, placeholders, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

const RULE = [LEAD, LATE, AHEAD, IDLE, LOOK, LOOK_APART, FORGOTTEN] as const

const isOnce = (places: readonly number[]): boolean => new Set(places).size === places.length

export function createLimits({ work, hand, desk, clock, ns }: Store): Limiter {
  const take = hand.sql(`SELECT * FROM stem.take_limits(${placeholders(19)})`)
  const keep = work.sql(
    `UPDATE stem.slots s SET until = $5
     FROM (
       SELECT $1::integer AS ns, k.* FROM unnest(stem.texts($2), stem.texts($3), $4::integer[]) AS k (key, id, token) OFFSET 0
     ) AS k
     WHERE s.ns = ANY (ARRAY[k.ns]) AND s.key = k.key AND s.id = k.id AND s.token = k.token AND s.until > $6`,
  )
  const free = work.sql("SELECT * FROM stem.free_slots($1, $2, $3, $4, $5, $6, $7, $8, $9)")
  const park = work.sql("SELECT * FROM stem.park_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9)")
  const ended = [
    ["buckets", "over <= $2::bigint"],
    ["slots", "until <= $2::bigint"],
    ["lines", `at <= $2::bigint - ${FORGOTTEN}`],
  ].map(([table, over]) =>
    desk.sql(
      `WITH gone AS (DELETE FROM stem.${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM stem.${table} WHERE ns = $1 AND ${over} LIMIT $3)) AND ${over} RETURNING 1)
       SELECT count(*)::integer AS count FROM gone`,
    ),
  )

  async function release(
    statement: typeof free,
    items: readonly (Slot | Wait)[],
    last: readonly number[],
  ): Promise<readonly Slot[]> {
    if (items.length === 0) return []
    const mosts = new Map(items.map(({ key, most }) => [key, most]))
    const now = clock.now()
    const rows = await statement.all<{ key: string; id: string }>(
      ...([
        ns,
        now,
        now + HANDED,
        FORGOTTEN,
        texts([...mosts.keys()]),
        numbers([...mosts.values()]),
      ] as const),
      ...[texts(items.map(({ key }) => key)), texts(items.map(({ id }) => id)), numbers(last)],
    )
    return rows.map(({ key, id }) => ({ key, id, token: 0, most: mosts.get(key) as number }))
  }

  return {
    async take(asks, leaseMs, room) {
      if (asks.length === 0) return []
      const { limits, places } = limitTable(asks)
      const now = clock.now()
      const starts = [1]
      for (const of of places) starts.push((starts.at(-1) as number) + of.length)
      const answer = await take.one<{ instants: string; places: string }>(
        ...([ns, now, now + Math.round(leaseMs), texts(limits.map(({ key }) => key))] as const),
        numbers(limits.map((limit) => ("bucket" in limit ? limit.bucket.everyMs : undefined))),
        numbers(limits.map((limit) => ("bucket" in limit ? limit.bucket.burst : limit.most))),
        ...[texts(asks.map(({ id }) => id)), numbers(asks.map(({ token }) => token))],
        ...[numbers(starts), numbers(places.flat()), room, ...RULE],
        new Set(asks.map(({ id }) => id)).size === asks.length && places.every(isOnce),
      )
      const [instants, refusers] = [answer?.instants.split(","), answer?.places.split(",")]
      return asks.map((_, at): Grant => {
        const [instant, place] = [Number(instants?.[at]), Number(refusers?.[at])]
        const limit = limits[place - 1]
        if (place < 0) return { kind: "later" }
        if (!limit) return { kind: "granted", at: instant }
        return { kind: "refused", retryAt: instant, on: limit.key, full: "most" in limit }
      })
    },

    async keep(slots, leaseMs) {
      if (slots.length === 0) return
      const now = clock.now()
      await keep.all(
        ...([ns, texts(slots.map(({ key }) => key)), texts(slots.map(({ id }) => id))] as const),
        ...([numbers(slots.map(({ token }) => token)), now + Math.round(leaseMs), now] as const),
      )
    },

    free: (slots) =>
      release(
        free,
        slots,
        slots.map(({ token }) => token),
      ),

    park: (waits) =>
      release(
        park,
        waits,
        waits.map(({ retryAt }) => retryAt),
      ),

    async prune(max) {
      const now = clock.now()
      const counts = await Promise.all(
        ended.map((statement) => statement.one<{ count: number }>(ns, now, max)),
      )
      return counts.reduce((total, row) => total + (row?.count ?? 0), 0)
    },
  }
}
