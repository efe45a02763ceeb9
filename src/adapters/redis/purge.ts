import type { Cancel } from "./cancel.ts"
import { PLACE } from "./records.ts"
import type { Store } from "./store.ts"

/** Ends at most `max` waiting tasks of the queue as cancelled, the earliest stored first; answers how many. */
export type Purge = (queue: string, max: number) => Promise<number>

/**
 * Waiting tasks stand in the order they are due, so that the earliest stored are found only by looking at all. What
 * was found is kept for the next call, and holds until a task comes back to a queue: new ones are later than all.
 */
export function createPurge({ prefix, range, use }: Store, cancel: Cancel): Purge {
  let plan:
    | { readonly queue: string; readonly returned: string | null; members: readonly string[] }
    | undefined

  async function look(queue: string, returned: string | null) {
    const lists = await Promise.all(
      Array.from({ length: 10 }, (_, priority) => range(`${prefix}wait:${priority}:${queue}`, 0, -1)),
    )
    // A member begins with its task's place among all that were stored.
    return { queue, returned, members: lists.flat().sort() }
  }

  return async (queue, max) => {
    let count = 0
    // What is sent because of it is not what was asked for.
    const last = Number((await use((client) => client.get(`${prefix}seq`))) ?? 0)
    while (count < max) {
      const returned = await use((client) => client.get(`${prefix}returned`))
      if (plan?.queue !== queue || plan.returned !== returned || plan.members.length === 0)
        plan = await look(queue, returned)
      const some = plan.members.slice(0, max - count).filter((member) => placeOf(member) <= last)
      if (some.length === 0) break
      plan = { ...plan, members: plan.members.slice(some.length) }
      count += await cancel.endWaiting(some, queue)
    }
    if (plan?.members.length === 0) plan = undefined
    return count
  }
}

/** A member begins with its task's place in hex. */
const placeOf = (member: string) => Number.parseInt(member.slice(0, PLACE), 16)
