import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { StatusFilter } from "../../core/contracts/results.ts"
import { liveTask, PLACE, parseRecord, readKnown, tasksOf } from "./records.ts"
import type { Store } from "./store.ts"

const PAGE = 200
const PRIORITIES = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

interface Found {
  readonly task: LiveTask
  readonly dueAt: number
  readonly place: string
}

/** Live tasks, the earliest due first. Reads what fits of each queue and priority in order, and merges it. */
export async function listLive(store: Store, filter: StatusFilter): Promise<readonly LiveTask[]> {
  const { prefix, clock } = store
  const { states, task, limit, since, until } = filter
  const now = clock.now()
  const found: Found[] = []
  const seen = new Set<string>()

  /** Adds what fits of these tasks; answers how many did. */
  async function gather(ids: readonly string[]): Promise<number> {
    const before = found.length
    for (const known of await readKnown(store, ids)) {
      // Where a reservation tells of them, those that have left it since are told of twice.
      if (seen.has(known.id)) continue
      seen.add(known.id)
      const live = liveTask(known, now)
      if (!live || (task ?? live.status.task) !== live.status.task) continue
      if (states && !states.includes(live.status.state)) continue
      const { dueAt, place } = parseRecord(known.record)
      if (dueAt < (since ?? Number.NEGATIVE_INFINITY) || dueAt >= (until ?? Number.POSITIVE_INFINITY))
        continue
      found.push({ task: live, dueAt, place })
    }
    return found.length - before
  }

  async function gatherWaiting(key: string): Promise<void> {
    const [from, to] = rangeOf(filter, now)
    let fitting = 0
    for (let at = 0; fitting < limit; at += PAGE) {
      const members = await store.range(key, from, to, "BYSCORE", "LIMIT", at, PAGE)
      fitting += await gather(members.map(idOf))
      if (members.length < PAGE) return
    }
  }

  async function gatherRunning(key: string): Promise<void> {
    for (let at = 0; ; at += PAGE) {
      const members = await store.range(key, at, at + PAGE - 1)
      const ids = await Promise.all(members.map((member) => runningOf(store, member)))
      await gather(ids.flat())
      if (members.length < PAGE) return
    }
  }

  const queues =
    filter.queue === undefined
      ? await store.use((client) => client.smembers(`${prefix}queues`))
      : [filter.queue]
  for (const queue of queues) {
    if (!states || states.includes("running")) await gatherRunning(`${prefix}leases:${queue}`)
    if (!states || states.some((state) => state !== "running"))
      await Promise.all(PRIORITIES.map((priority) => gatherWaiting(`${prefix}wait:${priority}:${queue}`)))
  }
  return found
    .sort((a, b) => a.dueAt - b.dueAt || (a.place < b.place ? -1 : 1))
    .slice(0, limit)
    .map(({ task }) => task)
}

/** A member begins with its task's place. */
const idOf = (member: string) => member.slice(PLACE)

/** The tasks that a member of a queue's leases may be about: one, or those of a reservation. */
async function runningOf(store: Store, member: string): Promise<string[]> {
  if (!member.startsWith("*")) return [idOf(member)]
  const entry = member.slice(1)
  const [found] = await store.use((client) => client.xrange(`${store.prefix}running`, entry, entry))
  return tasksOf(found?.[1] ?? [])
}

/** The instants between which tasks can fit: what is only scheduled is not ready, and the other way round. */
function rangeOf({ states, since, until }: StatusFilter, now: number): [string | number, string | number] {
  const only = states?.filter((state) => state !== "running")
  const to = until === undefined ? "+inf" : `(${until}`
  if (only?.every((state) => state === "scheduled") && (since ?? now) <= now) return [`(${now}`, to]
  if (only?.every((state) => state === "queued") && (until ?? now) >= now) return [since ?? "-inf", now]
  return [since ?? "-inf", to]
}
