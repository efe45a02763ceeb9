import type { Limit, LimitAsk } from "./limit.ts"

/** Asks with each limit written once, for stores whose rule runs elsewhere. */
export interface LimitTable {
  readonly limits: readonly Limit[]
  /** For each ask the places of its limits, from 1 on. */
  readonly places: readonly (readonly number[])[]
}

/** Of two asks for one key with other numbers the last ones count: they come from one worker. */
export function limitTable(asks: readonly LimitAsk[]): LimitTable {
  const limits: Limit[] = []
  const known = new Map<string, number>()
  const placeOf = (limit: Limit) => {
    const name = `${"most" in limit ? "s" : "b"}${limit.key}`
    const place = known.get(name) ?? limits.push(limit)
    known.set(name, place)
    limits[place - 1] = limit
    return place
  }
  return { places: asks.map((ask) => ask.limits.map(placeOf)), limits }
}
