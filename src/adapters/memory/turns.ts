import type { Live, Store } from "./store.ts"

/** What one turn costs a key of weight 1; a whole number for every weight, so that all stores count alike. */
const TURN = 1_000_000

const keyOf = (task: Live) => task.envelope.fair?.key ?? ""
const costOf = (task: Live) => Math.round(TURN / (task.envelope.fair?.weight ?? 1))

/**
 * Ready tasks of one queue and priority, the first to go in front, as they are when no key is fair; else as many of
 * them as are asked for, in turns by key, which is written down.
 */
export function inTurns(store: Store, shelf: string, ready: readonly Live[], max: number): readonly Live[] {
  const known = store.turns.get(shelf)
  if (!known && !ready.some(({ envelope }) => envelope.fair)) return ready.slice(0, max)
  const turns = known ?? { last: 0, spent: new Map<string, number>() }
  store.turns.set(shelf, turns)
  const lines = new Map<string, Live[]>()
  for (const task of ready) {
    const line = lines.get(keyOf(task))
    if (line) line.push(task)
    else lines.set(keyOf(task), [task])
  }
  const spentBy = (key: string) => Math.max(turns.last, turns.spent.get(key) ?? 0)
  const taken: Live[] = []
  while (taken.length < max && lines.size > 0) {
    // Of keys that have spent the same, the one whose name comes first.
    const [key, line] = [...lines].reduce((a, b) =>
      spentBy(b[0]) < spentBy(a[0]) || (spentBy(b[0]) === spentBy(a[0]) && isBefore(b[0], a[0])) ? b : a,
    )
    const task = line.shift() as Live
    if (line.length === 0) lines.delete(key)
    turns.last = spentBy(key)
    turns.spent.set(key, turns.last + costOf(task))
    taken.push(task)
  }
  // Nobody waits: all are equal again.
  if (lines.size === 0) store.turns.delete(shelf)
  return taken
}

/** By code point, as every other store has it. */
const isBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
