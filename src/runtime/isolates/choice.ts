/** How many times the load of the least busy isolate is no reason to go to that one. */
const HARDLY = 1.125

/**
 * Chooses who is given the next run. Neighbours go to one isolate while it is hardly busier than the others: they come
 * back together then, and settling tasks that lie next to each other writes fewer of a store's pages.
 */
export function createChoice<Isolate extends { readonly load: number }>() {
  /** The one that was chosen last. */
  let latest: Isolate | undefined
  return (team: readonly Isolate[]): Isolate | undefined => {
    let best: Isolate | undefined
    for (const isolate of team) if (!best || isolate.load < best.load) best = isolate
    if (latest && best && latest.load <= best.load * HARDLY && team.includes(latest)) return latest
    latest = best
    return best
  }
}
