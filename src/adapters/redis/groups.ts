import type { Groups } from "../../core/contracts/groups.ts"
import { type Arrival, type Group, type GroupFacts, groupStateOf } from "../../core/task/group.ts"
import { unpackArrival, unpackSending } from "./packing.ts"
import { CHUNK, chunks } from "./records.ts"
import type { Store } from "./store.ts"

/** The fields that scripts/group-read.lua answers for a group. */
const FIELDS = 8

export function createGroups(store: Store): Groups {
  const { clock, prefix } = store

  async function get(ids: readonly string[]): Promise<(GroupFacts | undefined)[]> {
    const parts = await Promise.all(
      chunks(ids, CHUNK).map((some) => store.run<(string | number)[]>("groupRead", some)),
    )
    const all = parts.flat()
    return ids.map((_, at) => factsOf(all.slice(at * FIELDS, (at + 1) * FIELDS)))
  }

  const known = async (ids: readonly string[]): Promise<GroupFacts[]> =>
    (await get(ids)).filter((facts) => facts !== undefined)

  /** The arrivals of these indices that are there. */
  async function arrivalsAt(id: string, indices: readonly number[]): Promise<Arrival[]> {
    if (indices.length === 0) return []
    const texts = await store.use((client) =>
      client.hmget(`${prefix}arrivals:${id}`, ...indices.map((index) => String(index))),
    )
    return texts.flatMap((text, at) =>
      text === null ? [] : [unpackArrival(id, indices[at] as number, text)],
    )
  }

  return {
    get,

    async arrivals(id, from, max) {
      const page = await arrivalsAt(
        id,
        Array.from({ length: max }, (_, at) => from + at),
      )
      if (page.length === max) return page
      // Some are not there, or not yet; those behind them may be.
      const indices = await store.use((client) => client.hkeys(`${prefix}arrivals:${id}`))
      const behind = indices.map(Number).filter((index) => index >= from)
      return arrivalsAt(id, behind.sort((a, b) => a - b).slice(0, max))
    },

    list: async (max) => known(max > 0 ? await store.range(`${prefix}groups`, 0, max - 1, "REV") : []),

    async sweep(max) {
      if (max <= 0) return []
      const open = await known(await store.range(`${prefix}groups:open`, 0, max - 1))
      const owed = open.filter(({ state }) => state !== "open")
      if (owed.length === 0) return []
      const now = String(clock.now())
      const mended = await store.run<number[]>("groupMend", [now, ...owed.map(({ id }) => id)])
      return owed.filter((_, at) => mended[at] === 1)
    },

    async prune(before, max) {
      let removed = 0
      while (removed < max) {
        const most = Math.min(CHUNK, max - removed)
        const some = await store.run<number>("groupPrune", [String(before), String(most)])
        removed += some
        if (some < most) break
      }
      return removed
    },
  }
}

function factsOf(parts: readonly (string | number)[]): GroupFacts | undefined {
  const [definition, body, broken, tolerate, size, ended, arrived, failed] = parts as [
    ...[definition: string, body: string, broken: string, tolerate: string, size: string, ended: string],
    ...[arrived: number, failed: number],
  ]
  if (definition === "") return undefined
  const bounds = { size: Number(size), tolerate: Number(tolerate) }
  return {
    ...(JSON.parse(definition) as Group),
    ...(body !== "" && { body: unpackSending(body)[0] }),
    ...(broken !== "" && { broken: unpackSending(broken) }),
    ...{ state: groupStateOf(bounds, arrived, failed), arrived, failed },
    ...(ended !== "" && { endedAt: Number(ended) }),
  }
}
