import { endOf, type TaskStatus } from "../../core/task/status.ts"
import type { Settlement } from "../../core/task/verdict.ts"
import { packArrival, packEnvelope } from "./packing.ts"
import { CHUNK, CHUNK_CHARS, packStatus } from "./records.ts"
import type { Store } from "./store.ts"

/**
 * Whether it may be of a plain task, as scripts/books.lua calls it: one that succeeded by its first lease. What follows
 * from it may be tasks that meet nobody, its arrival in a group, and that its key is free.
 */
export const isPlain = ({ lease, verdict, status, next, opens, arrive }: Settlement): boolean =>
  lease.token === 1 &&
  verdict.kind === "ack" &&
  status?.state === "succeeded" &&
  status.token === 1 &&
  status.id === lease.id &&
  opens === undefined &&
  (arrive?.ok ?? true) &&
  next.every(({ unique }) => unique === undefined)

/** Whether more is stored by it than its end. */
export const hasMore = ({ next, opens, arrive, unique }: Settlement): boolean =>
  next.length > 0 || opens !== undefined || arrive !== undefined || unique !== undefined

/**
 * Finishes plain tasks, the most of all by far, with what a script has to do for that and no more. Answers the places of
 * those that it did nothing about: they are not plain, or another's.
 */
export function createSucceed(store: Store) {
  return async (settlements: readonly Settlement[]): Promise<readonly number[]> => {
    const now = String(store.clock.now())
    const left = await Promise.all(
      batchesOf(settlements).map(async ({ from, runs, ends, more }) => {
        const instants = runs.flatMap(({ ended, count }) => [String(ended), String(count)])
        const args = [now, String(ends.length / 2), String(runs.length), ...instants, ...ends, ...more]
        const others = await store.run<number[]>("succeed", args)
        return others.map((place) => from + place)
      }),
    )
    return left.flat()
  }
}

/** What one script is given. */
interface Batch {
  /** The place of its first. */
  readonly from: number
  /** In how many instants they ended; each of them, and how many in a row ended in it. */
  readonly runs: { readonly ended: number; count: number }[]
  /** Id, status, id, status, … */
  readonly ends: string[]
  readonly more: string[]
}

function batchesOf(settlements: readonly Settlement[]): readonly Batch[] {
  const all: Batch[] = []
  let last: Batch | undefined
  let chars = 0
  for (let place = 0; place < settlements.length; place++) {
    const settlement = settlements[place] as Settlement
    const status = settlement.status as TaskStatus
    if (!last || place - last.from >= CHUNK || chars > CHUNK_CHARS) {
      last = { from: place, runs: [], ends: [], more: [] }
      all.push(last)
      chars = 0
    }
    const end = packStatus(status)
    chars += end.length
    last.ends.push(status.id, end)
    if (hasMore(settlement)) chars += packMore(settlement, last.more)
    const ended = endOf(status)
    const run = last.runs.at(-1)
    if (run?.ended === ended) run.count += 1
    else last.runs.push({ ended, count: 1 })
  }
  return all
}

/** Adds what follows, in the order in which it happens; answers how long that is. */
function packMore({ lease, next, arrive, unique }: Settlement, into: string[]): number {
  const from = into.length
  if (unique !== undefined) into.push("k", unique, lease.id)
  for (const envelope of next) into.push("n", ...packEnvelope(envelope))
  if (arrive) into.push("g", ...packArrival(arrive))
  let chars = 0
  for (let at = from; at < into.length; at++) chars += (into[at] as string).length
  return chars
}
