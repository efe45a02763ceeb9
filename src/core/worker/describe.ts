import type { Isolates } from "../contracts/isolates.ts"
import { type Presence, RUNNING_SHOWN } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { Leases } from "./held.ts"
import type { WorkerSettings } from "./settings.ts"
import type { Sizing } from "./sizing.ts"
import type { Tally } from "./tally.ts"

/** What a worker can be seen from. */
interface Parts {
  readonly settings: WorkerSettings
  readonly isolates: Isolates
  readonly sizing: Sizing
  readonly leases: Leases
  readonly tally: Tally
  readonly clock: Clock
  readonly queues: () => readonly string[]
  readonly state: () => Presence["state"]
}

/** What a worker says of itself, each time it is asked. */
export function createDescription(parts: Parts): () => Presence {
  const { settings, isolates, sizing, leases, tally, clock, queues, state } = parts
  const { id, name, autoscale, process } = settings
  const { host, pid, version, rss } = process
  const rate = createRate(tally, clock)
  const startedAt = clock.now()
  return () => ({
    ...{ v: 1, id, name, host, pid, version, state: state(), queues: [...queues()].sort() },
    ...{ concurrency: sizing.concurrency(), tasks: [...isolates.specs().keys()], ...runningOf(leases) },
    ...{
      done: { ...tally },
      startedAt,
      seenAt: clock.now(),
      rssBytes: rss(),
      perMinute: rate(),
      hears: true,
    },
    ...{ isolates: settings.isolatesFor(sizing.concurrency()), modules: isolates.version?.() },
    autoscale: autoscale && { least: autoscale.min, most: autoscale.max },
  })
}

/** How many attempts have ended within the last minute, looked at now and then. */
export function createRate(tally: Tally, clock: Clock): () => number {
  const looks: { readonly at: Millis; readonly total: number }[] = [{ at: clock.monotonic(), total: 0 }]
  return () => {
    const at = clock.monotonic()
    const total = tally.succeeded + tally.failed + tally.retried
    const newest = looks.at(-1)?.at ?? Number.NEGATIVE_INFINITY
    if (at - newest >= 1000) looks.push({ at, total })
    while (looks.length > 1 && (looks[1]?.at ?? at) <= at - 60_000) looks.shift()
    return total - (looks[0]?.total ?? 0)
  }
}

/** Of the running tasks, those that run longest, and how many run. */
export function runningOf(leases: Leases): Pick<Presence, "running" | "runningCount"> {
  const all: { id: string; task: string; startedAt: Millis }[] = []
  for (const { delivery, startedAt } of leases.values())
    if (startedAt !== undefined)
      all.push({ id: delivery.envelope.id, task: delivery.envelope.task, startedAt })
  const running = all.sort((a, b) => a.startedAt - b.startedAt).slice(0, RUNNING_SHOWN)
  return { running, runningCount: all.length }
}
