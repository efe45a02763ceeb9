import type { Groups } from "../../core/contracts/groups.ts"
import { decodeEnvelope } from "../../core/task/envelope.ts"
import { type Arrival, type Group, type GroupFacts, groupStateOf } from "../../core/task/group.ts"
import { soughtIds } from "./sql-values.ts"
import type { Store } from "./store.ts"

interface GroupRow {
  readonly id: string
  readonly size: number
  readonly tolerate: number
  readonly arrived: number
  readonly failed: number
  readonly ended: string | null
  readonly definition: string | null
  readonly body: string | null
  readonly broken: string | null
}

const FACTS = `g.id, g.size, g.tolerate, g.arrived, g.failed, g.ended, w.definition, w.body::text AS body,
  w.broken::text AS broken FROM stem.groups g LEFT JOIN stem.group_texts w ON w.number = g.number`

/** Members that are forgotten by one statement, so that none is long. */
const AT_ONCE = 5000

export function createGroups({ work, desk, bell, clock, ns }: Store): Groups {
  const find = desk.sql(
    `SELECT ${FACTS} WHERE g.ns = $1 AND g.id = ANY (stem.texts($2)) AND g.opened IS NOT NULL`,
  )
  const latest = desk.sql(
    `SELECT ${FACTS} WHERE g.ns = $1 AND g.opened IS NOT NULL ORDER BY g.opened DESC, g.id DESC LIMIT $2`,
  )
  const page = desk.sql(
    `SELECT place, arrival FROM stem.arrivals
     WHERE number = (SELECT number FROM stem.groups WHERE ns = $1 AND id = ANY (stem.texts($2))) AND place >= $3
     ORDER BY place LIMIT $4`,
  )
  const sweep = work.sql(
    `SELECT id, size, tolerate, arrived, failed, ended, definition, body::text AS body, broken::text AS broken
     FROM stem.sweep_groups($1, $2, $3)`,
  )
  const prune = desk.sql("SELECT * FROM stem.prune_groups($1, $2, $3, $4)")

  return {
    async get(ids) {
      if (ids.length === 0) return []
      const rows = await find.all<GroupRow>(ns, soughtIds(ids))
      const found = new Map(rows.map((row) => [row.id, factsOf(row)]))
      return ids.map((id) => found.get(id))
    },

    async arrivals(id, from, max) {
      const rows = await page.all<{ place: number; arrival: string }>(ns, soughtIds([id]), from, max)
      return rows.map(
        ({ place, arrival }) => ({ group: id, index: place, ...JSON.parse(arrival) }) as Arrival,
      )
    },

    list: async (max) => (await latest.all<GroupRow>(ns, max)).map(factsOf),

    async sweep(max) {
      const rows = await sweep.all<GroupRow>(ns, clock.now(), max)
      if (rows.length > 0) bell.ring("work")
      return rows.map(factsOf)
    },

    async prune(before, max) {
      let total = 0
      while (true) {
        const row = await prune.one<{ removed: number; done: boolean }>(ns, before, max - total, AT_ONCE)
        total += row?.removed ?? 0
        if (row?.done !== false) return total
      }
    },
  }
}

function factsOf(row: GroupRow): GroupFacts {
  const { id, size, tolerate, arrived, failed, ended } = row
  const known = row.definition === null ? { v: 1, id, size } : JSON.parse(row.definition)
  return {
    ...(known as Group),
    ...(row.body !== null && { body: envelopesIn(row.body)[0] }),
    ...(row.broken !== null && { broken: envelopesIn(row.broken) }),
    ...{ state: groupStateOf({ size, tolerate }, arrived, failed), arrived, failed },
    ...(ended !== null && { endedAt: Number(ended) }),
  }
}

const envelopesIn = (text: string) =>
  (JSON.parse(text) as { envelope: string }[]).map(({ envelope }) => decodeEnvelope(envelope))
