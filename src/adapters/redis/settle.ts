import type { Settled, Settlement } from "../../core/task/verdict.ts"
import type { Cancel } from "./cancel.ts"
import { packArrival, packEnvelope, packGroup } from "./packing.ts"
import { batches, packStatus } from "./records.ts"
import type { Store } from "./store.ts"
import { createSucceed, hasMore, isPlain } from "./succeed.ts"

/** Finishes runs; answers in order. */
export type Settle = (settlements: readonly Settlement[]) => Promise<readonly Settled[]>

const MARKED = 2

export function createSettle(store: Store, cancel: Cancel): Settle {
  const succeed = createSucceed(store)

  /** A task that was to come back and is marked ends here as cancelled, if its token is still the one. */
  async function endMarked({ lease, next, opens = [] }: Settlement): Promise<Settled> {
    const ended = await cancel.endMarked([lease.id], new Map([[lease.id, lease.token]]))
    if (!ended.has(lease.id)) return "stale"
    const args = [String(store.clock.now()), String(next.length)]
    args.push(...next.flatMap(packEnvelope), ...opens.flatMap(packGroup))
    if (next.length + opens.length > 0) await store.run("enqueue", args)
    return "settled"
  }

  const settle: Settle = async (settlements) => {
    let from = 0
    const answers = await Promise.all(
      batches(settlements.map(pack)).map(({ count, args }) => {
        const some = settlements.slice(from, from + count)
        from += count
        return settleSome(some, args)
      }),
    )
    return answers.flat()
  }

  /** The script stops at a marked task; after its end it goes on behind it. */
  async function settleSome(some: readonly Settlement[], args: string[]): Promise<readonly Settled[]> {
    const answers = await store.run<number[]>("settle", [String(store.clock.now()), ...args])
    const settled = answers.map((answer): Settled => (answer === 0 ? "stale" : "settled"))
    if (answers.at(-1) !== MARKED) return settled
    settled[answers.length - 1] = await endMarked(some[answers.length - 1] as Settlement)
    return [...settled, ...(await settle(some.slice(answers.length)))]
  }

  return async (settlements) => {
    const plain = placesOf(settlements, isPlain)
    const some = plain.length === settlements.length ? settlements : at(settlements, plain)
    // What is said of one task twice has an order, and so has what follows; one script keeps it.
    const ordered = namesTwice(settlements) || (plain.length < settlements.length && some.some(hasMore))
    if (plain.length === 0 || ordered) return settle(settlements)
    const left = await succeed(some)
    const answers: Settled[] = new Array(settlements.length).fill("settled")
    if (left.length === 0 && some === settlements) return answers
    const others = [
      ...left.map((place) => plain[place] as number),
      ...placesOf(settlements, (settlement) => !isPlain(settlement)),
    ].sort((a, b) => a - b)
    for (const [index, answer] of (await settle(at(settlements, others))).entries())
      answers[others[index] as number] = answer
    return answers
  }
}

const at = <T>(list: readonly T[], places: readonly number[]) => places.map((place) => list[place] as T)

function placesOf<T>(list: readonly T[], are: (item: T) => boolean): number[] {
  const places: number[] = []
  for (let place = 0; place < list.length; place++) if (are(list[place] as T)) places.push(place)
  return places
}

function namesTwice(settlements: readonly Settlement[]): boolean {
  const ids = new Set<string>()
  for (const { lease } of settlements) ids.add(lease.id)
  return ids.size < settlements.length
}

/** A settlement as scripts/settle.lua takes it. */
function pack(settlement: Settlement): string[] {
  const { lease, verdict, status, next, opens = [], arrive, unique = "" } = settlement
  const kind = { ack: "a", bury: "b", retry: "r", release: "l" }[verdict.kind]
  const more = hasMore(settlement)
  const args = [more ? kind.toUpperCase() : kind, lease.id, String(lease.token)]
  if (verdict.kind === "ack" || verdict.kind === "bury") args.push(status ? packStatus(status) : "")
  else args.push(String(verdict.at))
  if (verdict.kind === "bury" || verdict.kind === "retry") args.push(JSON.stringify(verdict.reason))
  if (!more) return args
  args.push(String(next.length))
  for (const envelope of next) args.push(...packEnvelope(envelope))
  args.push(String(opens.length), ...opens.flatMap(packGroup), ...packArrival(arrive), unique)
  return args
}
