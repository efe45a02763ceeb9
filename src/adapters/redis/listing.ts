import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { StatusFilter } from "../../core/contracts/results.ts"
import { liveTask, parseRecord, readKnown } from "./records.ts"
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

  /** Adds what fits of these tasks; answers how many did. */
  async function gather(members: readonly string[]): Promise<number> {
    const before = found.length
    for (const known of await readKnown(
      store,
      members.map((member) => member.slice(12)),
    )) {
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
      fitting += await gather(members)
      if (members.length < PAGE) return
    }
  }

  async function gatherRunning(key: string): Promise<void> {
    for (let at = 0; ; at += PAGE) {
      const members = await store.range(key, at, at + PAGE - 1)
      await gather(members)
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

/** The instants between which tasks can fit: what is only scheduled is not ready, and the other way round. */
function rangeOf({ states, since, until }: StatusFilter, now: number): [string | number, string | number] {
  const only = states?.filter((state) => state !== "running")
  const to = until === undefined ? "+inf" : `(${until}`
  if (only?.every((state) => state === "scheduled") && (since ?? now) <= now) return [`(${now}`, to]
  if (only?.every((state) => state === "queued") && (until ?? now) >= now) return [since ?? "-inf", now]
  return [since ?? "-inf", to]
}
