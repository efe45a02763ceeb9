import type { Settled, Settlement } from "../../core/task/verdict.ts"
import type { Cancel } from "./cancel.ts"
import { batches, packEnvelope, packStatus } from "./records.ts"
import type { Store } from "./store.ts"
import { createSucceed, isPlain } from "./succeed.ts"

/** Finishes runs; answers in order. */
export type Settle = (settlements: readonly Settlement[]) => Promise<readonly Settled[]>

const MARKED = 2

export function createSettle(store: Store, cancel: Cancel): Settle {
  const succeed = createSucceed(store)

  /** A task that was to come back and is marked ends here as cancelled, if its token is still the one. */
  async function endMarked({ lease, next }: Settlement): Promise<Settled> {
    const ended = await cancel.endMarked([lease.id], new Map([[lease.id, lease.token]]))
    if (!ended.has(lease.id)) return "stale"
    const args = [String(store.clock.now()), ...next.flatMap(packEnvelope)]
    if (next.length > 0) await store.run("enqueue", args)
    return "settled"
  }

  const settle: Settle = async (settlements) => {
    const now = String(store.clock.now())
    const answers = await Promise.all(
      batches(settlements.map(pack)).map(({ args }) => store.run<number[]>("settle", [now, ...args])),
    )
    const settled: Settled[] = []
    for (const [at, answer] of answers.flat().entries())
      settled.push(
        answer === MARKED
          ? await endMarked(settlements[at] as Settlement)
          : answer === 1
            ? "settled"
            : "stale",
      )
    return settled
  }

  return async (settlements) => {
    const plain = settlements.filter(isPlain)
    // What is said of one task twice has an order, which one script keeps.
    if (plain.length === 0 || new Set(settlements.map(({ lease }) => lease.id)).size < settlements.length)
      return settle(settlements)
    const others = new Set(settlements.filter((settlement) => !isPlain(settlement)))
    for (const left of await succeed(plain)) others.add(left)
    if (others.size === 0) return settlements.map(() => "settled")
    const answers = new Map<Settlement, Settled>()
    const some = settlements.filter((settlement) => others.has(settlement))
    for (const [at, answer] of (await settle(some)).entries()) answers.set(some[at] as Settlement, answer)
    return settlements.map((settlement) => answers.get(settlement) ?? "settled")
  }
}

/** A settlement as scripts/settle.lua takes it. */
function pack({ lease, verdict, status, next }: Settlement): string[] {
  const kind = { ack: "a", bury: "b", retry: "r", release: "l" }[verdict.kind]
  const args = [next.length > 0 ? kind.toUpperCase() : kind, lease.id, String(lease.token)]
  if (verdict.kind === "ack" || verdict.kind === "bury") args.push(status ? packStatus(status) : "")
  else args.push(String(verdict.at))
  if (verdict.kind === "bury" || verdict.kind === "retry") args.push(JSON.stringify(verdict.reason))
  if (next.length > 0) args.push(String(next.length), ...next.flatMap(packEnvelope))
  return args
}
