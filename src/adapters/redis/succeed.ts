import type { Settlement } from "../../core/task/verdict.ts"
import { batches, packStatus } from "./records.ts"
import type { Store } from "./store.ts"

/** Whether it may be of a plain task, as scripts/books.lua calls it: one that succeeded by its first lease. */
export const isPlain = ({ lease, verdict, status, next }: Settlement): boolean =>
  lease.token === 1 &&
  verdict.kind === "ack" &&
  status?.state === "succeeded" &&
  status.token === 1 &&
  status.id === lease.id &&
  next.length === 0

/**
 * Finishes plain tasks, the most of all by far, with what a script has to do for that and no more. Answers those that
 * it did nothing about: they are not plain, or another's.
 */
export function createSucceed(store: Store) {
  return async (settlements: readonly Settlement[]): Promise<readonly Settlement[]> => {
    let from = 0
    const left = await Promise.all(
      batches(settlements.map(pack)).map(async ({ count, args }) => {
        const some = settlements.slice(from, from + count)
        from += count
        const others = await store.run<number[]>("succeed", [...instantsOf(some), ...args])
        return others.map((at) => some[at] as Settlement)
      }),
    )
    return left.flat()
  }
}

const pack = ({ status }: Settlement): string[] => (status ? [status.id, packStatus(status)] : [])

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
