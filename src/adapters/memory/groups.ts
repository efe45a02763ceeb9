import type { Groups } from "../../core/contracts/groups.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { type Arrival, type Group, type GroupFacts, groupStateOf } from "../../core/task/group.ts"
import { add } from "./intake.ts"
import { copy, type Joined, type Store } from "./store.ts"

const joinedOf = (store: Store, id: string, now: Millis): Joined => {
  const known = store.groups.get(id) ?? { arrivals: new Map(), at: now }
  store.groups.set(id, known)
  return known
}

const failedOf = ({ arrivals }: Joined) => [...arrivals.values()].filter(({ ok }) => !ok).length

/** Opens a group, unless it is known; counts who came before it. */
export function openGroup(store: Store, group: Group, now: Millis): void {
  const joined = joinedOf(store, group.id, now)
  if (joined.group) return
  joined.group = copy(group)
  join(store, joined, now)
}

/** Counts a member, once for each index; a success may follow a failure. */
export function arrive(store: Store, arrival: Arrival, now: Millis): void {
  const joined = joinedOf(store, arrival.group, now)
  const before = joined.arrivals.get(arrival.index)
  if (before && (before.ok || !arrival.ok)) return
  joined.arrivals.set(arrival.index, copy(arrival))
  joined.at = now
  join(store, joined, now)
}

/** Sends what the counts say is to be sent, if it was not yet. Answers whether there was something. */
function join(store: Store, joined: Joined, now: Millis): boolean {
  const { group, arrivals } = joined
  if (!group || joined.complete) return false
  const state = groupStateOf(group, arrivals.size, failedOf(joined))
  if (state === "open" || (state === "broken" && joined.broke)) return false
  joined.endedAt ??= now
  if (state === "broken") joined.broke = true
  else joined.complete = true
  const sent = state === "broken" ? (group.broken ?? []) : group.body ? [group.body] : []
  for (const envelope of sent) add(store, { ...envelope, dueAt: Math.max(now, envelope.dueAt) }, now)
  return true
}

export function createGroups(store: Store, clock: Clock): Groups {
  const factsOf = (joined: Joined): GroupFacts | undefined => {
    const { group, arrivals, endedAt } = joined
    if (!group) return undefined
    const failed = failedOf(joined)
    const state = groupStateOf(group, arrivals.size, failed)
    return { ...group, state, arrived: arrivals.size, failed, ...(endedAt !== undefined && { endedAt }) }
  }

  const newest = () =>
    [...store.groups.values()]
      .flatMap((joined) => factsOf(joined) ?? [])
      .sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1))

  return {
    async get(ids) {
      return ids.map((id) => {
        const joined = store.groups.get(id)
        return joined && factsOf(joined)
      })
    },

    async arrivals(id, from, max) {
      return [...(store.groups.get(id)?.arrivals.values() ?? [])]
        .filter(({ index }) => index >= from)
        .sort((a, b) => a.index - b.index)
        .slice(0, max)
    },

    list: async (max) => newest().slice(0, max),

    async sweep(max) {
      const open = newest()
        .filter(({ state, endedAt }) => state === "open" || endedAt === undefined)
        .reverse()
        .slice(0, max)
      const found = open.filter(({ id }) => join(store, store.groups.get(id) as Joined, clock.now()))
      if (found.length > 0) store.bell.ring()
      return found
    },

    async prune(before, max) {
      const old = [...store.groups]
        .filter(([, { group, endedAt, at }]) => ((group ? endedAt : at) ?? Number.POSITIVE_INFINITY) < before)
        .slice(0, max)
      for (const [id] of old) store.groups.delete(id)
      return old.length
    },
  }
}
