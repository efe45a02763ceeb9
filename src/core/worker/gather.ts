import { inputWith } from "../canvas/merge.ts"
import type { Groups } from "../contracts/groups.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import type { Envelope, Gathers } from "../task/envelope.ts"
import type { Arrival } from "../task/group.ts"
import type { Outcome } from "../task/outcome.ts"

/** Arrivals in one call to the store. */
const PAGE = 1000

/** What a task of a group's end is given. */
export type Gathered = { readonly input: unknown } | { readonly outcome: Outcome }

/**
 * The input of a task that is sent at the end of a group: the results of its members in order, null for those that
 * failed; or which of them failed, and why. Waits while the store is away; "interrupted" when the signal aborts.
 */
export async function gather(
  { groups, store }: { groups: Groups; store: StoreWatch },
  envelope: Envelope & { readonly gathers: Gathers },
  signal: AbortSignal,
): Promise<Gathered> {
  const { group: id, what } = envelope.gathers
  const found = await store.insist(() => groups.get([id]), signal)
  if (!found) return { outcome: { kind: "interrupted" } }
  const [group] = found
  if (!group) return { outcome: gone(id) }
  const arrivals: Arrival[] = []
  for (let from = 0; from < group.size; ) {
    const page = await store.insist(() => groups.arrivals(id, from, PAGE), signal)
    if (!page) return { outcome: { kind: "interrupted" } }
    arrivals.push(...page)
    if (page.length < PAGE) break
    from = (page.at(-1) as Arrival).index + 1
  }
  return {
    input: inputWith(
      envelope,
      what === "results" ? resultsOf(arrivals, group.size) : failuresOf(arrivals, id),
    ),
  }
}

function resultsOf(arrivals: readonly Arrival[], size: number): readonly unknown[] {
  const results = new Array<unknown>(size).fill(null)
  for (const { index, ok, result } of arrivals) if (ok && index < size) results[index] = result ?? null
  return results
}

const failuresOf = (arrivals: readonly Arrival[], group: string) => ({
  group,
  failed: arrivals.filter(({ ok }) => !ok).map(({ index, id, error }) => ({ index, id, error })),
})

const gone = (group: string): Outcome => ({
  kind: "failed",
  error: {
    name: "GroupGone",
    code: "group_gone",
    message: `the results of group ${group} are no longer kept; see retention.failures`,
  },
  final: true,
})
