import type { Finding } from "../../core/contracts/driver.ts"
import type { Inspector } from "../../core/contracts/inspector.ts"
import type { WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { inspectServer } from "./server-checkup.ts"
import type { Store } from "./store.ts"

/** A lease that ran out this long ago should have been reclaimed: every worker looks once a second. */
const RECLAIM_GRACE: Millis = 10_000
const HOUR: Millis = 3_600_000

/** What can hurt on this server, in this schema, and among its tasks. */
export async function checkup(
  store: Store,
  inspector: Inspector,
  workers: WorkerRegistry,
): Promise<readonly Finding[]> {
  const findings = [
    ...(await inspectServer(store)),
    ...(await inspectLeases(store)),
    ...(await inspectQueues(inspector, workers)),
    ...(await inspectDead(inspector, store.clock.now())),
  ]
  if (findings.length > 0) return findings
  return [{ level: "ok", subject: "postgres", message: `${store.desk.where} is in order` }]
}

async function inspectLeases({ desk, ns, clock }: Store): Promise<Finding[]> {
  const lost = desk.sql("SELECT count(*)::integer AS n FROM stem.tasks WHERE ns = $1 AND until < $2")
  const n = (await lost.one<{ n: number }>(ns, clock.now() - RECLAIM_GRACE))?.n ?? 0
  if (n === 0) return []
  return [
    {
      level: "warning",
      subject: "leases",
      message: `${n} running tasks have lost their worker and nobody takes them back`,
      fix: "Start a worker for their queues, and resume those that are paused: stem inspect queues",
    },
  ]
}

async function inspectQueues(inspector: Inspector, workers: WorkerRegistry): Promise<Finding[]> {
  // A worker that names no queues serves them all.
  const served = (await workers.list()).filter(({ state }) => state === "running").map(({ queues }) => queues)
  const everything = served.some((queues) => queues.length === 0)
  const names = new Set(served.flat())
  return (await inspector.queues())
    .filter(({ queue, ready, paused }) => ready > 0 && !paused && !everything && !names.has(queue))
    .map(({ queue, ready }) => ({
      level: "warning",
      subject: `queue ${queue}`,
      message: `${ready} tasks are ready and no worker serves the queue`,
      fix: `Start one: stem worker <module> --queues ${queue}`,
    }))
}

async function inspectDead({ deadLetters }: Inspector, now: Millis): Promise<Finding[]> {
  const recent = await deadLetters.count({ since: now - HOUR })
  if (recent === 0) return []
  return [
    {
      level: "warning",
      subject: "dead letters",
      message: `${recent} tasks have died within the last ${formatDuration(HOUR)}`,
      fix: "See why, then bring them back: stem dlq list --group, stem dlq replay",
    },
  ]
}
