import type { Settlement } from "../../core/task/verdict.ts"
import { packArrival, packEnvelope } from "./packing.ts"
import { batches, packStatus } from "./records.ts"
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
 * Finishes plain tasks, the most of all by far, with what a script has to do for that and no more. Answers those that
 * it did nothing about: they are not plain, or another's.
 */
export function createSucceed(store: Store) {
  return async (settlements: readonly Settlement[]): Promise<readonly Settlement[]> => {
    const now = String(store.clock.now())
    let from = 0
    const left = await Promise.all(
      batches(settlements.map((of) => [...pack(of), ...packMore(of, 0)])).map(async ({ count }) => {
        const some = settlements.slice(from, from + count)
        from += count
        const args = [now, String(count), ...instantsOf(some), ...some.flatMap(pack)]
        const others = await store.run<number[]>("succeed", [...args, ...some.flatMap(packMore)])
        return others.map((at) => some[at] as Settlement)
      }),
    )
    return left.flat()
  }
}

const pack = ({ status }: Settlement): string[] => (status ? [status.id, packStatus(status)] : [])

/** What follows from the one at this index, in the order in which it happens. */
function packMore(settlement: Settlement, at: number): string[] {
  if (!hasMore(settlement)) return NOTHING
  const { next, arrive, unique } = settlement
  const index = String(at)
  return [
    ...(unique === undefined ? [] : [index, "k", unique]),
    ...next.flatMap((envelope) => [index, "n", ...packEnvelope(envelope)]),
    ...(arrive ? [index, "g", ...packArrival(arrive)] : []),
  ]
}

const NOTHING: string[] = []

/** In how many instants they ended; each of them, and how many in a row ended in it. */
function instantsOf(settlements: readonly Settlement[]): string[] {
  const runs: { readonly ended: number; count: number }[] = []
  for (const { status } of settlements) {
    const ended = status?.finishedAt ?? status?.enqueuedAt ?? 0
    const last = runs.at(-1)
    if (last?.ended === ended) last.count += 1
    else runs.push({ ended, count: 1 })
  }
  return [String(runs.length), ...runs.flatMap(({ ended, count }) => [String(ended), String(count)])]
}
