import type { Groups } from "../../core/contracts/groups.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { unavailable } from "../../core/kit/errors.ts"
import { type Arrival, type Group, type GroupFacts, groupStateOf } from "../../core/task/group.ts"
import { type Joins, readGroup } from "./joins.ts"
import type { Store } from "./store.ts"

interface GroupRow {
  readonly id: string
  readonly size: number
  readonly tolerate: number
  readonly opened: Millis
  readonly arrived: number
  readonly failed: number
  readonly ended: Millis | null
  readonly definition: string
}

const FACTS = `g.id, g.size, g.tolerate, g.opened, g.arrived, g.failed, g.ended, d.definition
  FROM groups AS g JOIN group_definitions AS d ON d.number = g.number`

/** Members that are forgotten in one transaction, so that none is long. */
const AT_ONCE = 5000

export function createGroups(store: Store, joins: Joins): Groups {
  const { commit, clock, connection, ns } = store
  const { sql, patiently } = connection
  const find = sql(`SELECT ${FACTS} WHERE g.ns = ?1 AND g.id = ?2`)
  const latest = sql(
    `SELECT ${FACTS} WHERE g.ns = ?1 AND g.opened IS NOT NULL ORDER BY g.opened DESC, g.id DESC LIMIT ?2`,
  )
  const page = sql(
    `SELECT place, arrival FROM arrivals WHERE number = (SELECT number FROM groups WHERE ns = ?1 AND id = ?2)
       AND place >= ?3 ORDER BY place LIMIT ?4`,
  )
  const open = sql(
    `SELECT number, id, size, tolerate, broke FROM groups WHERE ns = ?1 AND open = 1 ORDER BY opened, id LIMIT ?2`,
  )
  const count = sql(
    "SELECT count(*) AS arrived, coalesce(sum(ok = 0), 0) AS failed FROM arrivals WHERE number = ?1",
  )
  const over = sql("SELECT number FROM groups WHERE ns = ?1 AND over < ?2 ORDER BY over LIMIT ?3")
  const removeMembers = sql(
    `DELETE FROM arrivals WHERE number = ?1 AND place IN
       (SELECT place FROM arrivals WHERE number = ?1 ORDER BY place LIMIT ?2)`,
  )
  const removeDefinition = sql("DELETE FROM group_definitions WHERE number = ?1")
  const removeGroup = sql("DELETE FROM groups WHERE number = ?1")

  /** Whether the members that are there call for something that was not sent. */
  function isOwed(group: { number: number; size: number; tolerate: number; broke: number }): boolean {
    const { arrived, failed } = count.one(group.number) as { arrived: number; failed: number }
    const state = groupStateOf(group, arrived, failed)
    return state === "complete" || (state === "broken" && group.broke === 0)
  }

  /** Forgets at most so many groups, and so many members; answers how many groups, and whether it is done. */
  function pruneSome(before: Millis, max: number): { removed: number; done: boolean } {
    joins.flush()
    joins.forget()
    let [removed, left] = [0, AT_ONCE]
    for (const { number } of over.all<{ number: number }>(ns, before, max)) {
      left -= removeMembers.run(number, left)
      if (left === 0) return { removed, done: false }
      removeDefinition.run(number)
      removeGroup.run(number)
      removed += 1
    }
    return { removed, done: true }
  }

  return {
    get: (ids) =>
      patiently(() =>
        ids.map((id) => {
          const row = find.one<GroupRow>(ns, id)
          return row && factsOf(row)
        }),
      ),

    arrivals: (id, from, max) =>
      patiently(() =>
        page
          .all<{ place: number; arrival: string }>(ns, id, from, max)
          .map(({ place, arrival }) => ({ group: id, index: place, ...JSON.parse(arrival) }) as Arrival),
      ),

    list: (max) => patiently(() => latest.all<GroupRow>(ns, max).map(factsOf)),

    async sweep(max) {
      // Looking takes no lock from those who work; only what is found is written.
      const groups = await patiently(() => open.all<Parameters<typeof isOwed>[0] & { id: string }>(ns, max))
      const owed: string[] = []
      for (const group of groups) if (await patiently(() => isOwed(group))) owed.push(group.id)
      if (owed.length === 0) return []
      const unreadable: string[] = []
      const mended = await commit.write(() => {
        joins.flush()
        return owed.flatMap((id) => {
          const row = find.one<GroupRow>(ns, id)
          if (row && !readGroup(row.definition)) unreadable.push(id)
          const counts = row && joins.recount(id, clock.now())
          return counts ? [factsOf({ ...row, ...counts })] : []
        })
      })
      if (unreadable.length > 0) throw damaged(connection.path, unreadable)
      return mended
    },

    async prune(before, max) {
      let total = 0
      while (true) {
        const { removed, done } = await commit.write(() => pruneSome(before, max - total))
        total += removed
        if (done) return total
      }
    },
  }
}

/** What has ended stays ended; what should follow from it waits until the text is mended. */
const damaged = (path: string, ids: readonly string[]) =>
  unavailable(
    "damaged_group",
    `the text of ${ids.length === 1 ? "group" : `${ids.length} groups,`} ${ids[0]} ${ids.length === 1 ? "" : "among them, "}in ${path} can not be read: what should follow was not sent`,
    "stem inspect group shows what has arrived. Restore the text from a backup, which a worker then goes on from, or send by hand what should follow.",
  )

function factsOf({ id, size, tolerate, opened, arrived, failed, ended, definition }: GroupRow): GroupFacts {
  const state = groupStateOf({ size, tolerate }, arrived, failed)
  const counts = { state, arrived, failed, ...(ended !== null && { endedAt: ended }) }
  const known: Group = { v: 1, id, size, openedAt: opened, ...(tolerate > 0 && { tolerate }) }
  return { ...known, ...readGroup(definition), ...counts }
}
