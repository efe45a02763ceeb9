import type { Finding } from "../../core/contracts/driver.ts"
import type { Inspector } from "../../core/contracts/inspector.ts"
import type { WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { inspectServer } from "./server-checkup.ts"
import type { Store } from "./store.ts"

/** A lease that ran out this long ago should have been reclaimed: every worker looks once a second. */
const RECLAIM_GRACE: Millis = 10_000
/** What the clocks of two machines may differ by: leases and due times go by the clocks of those who write them. */
const CLOCK_SLACK: Millis = 2000
/** A consumer that holds something and has not been heard of for so long has lost its worker. */
const SILENT: Millis = 3_600_000

/** What can hurt in this server, and among its tasks. */
export async function checkup(
  store: Store,
  inspector: Inspector,
  workers: WorkerRegistry,
): Promise<readonly Finding[]> {
  const findings = [
    ...(await inspectServer(store)),
    ...(await inspectClock(store)),
    ...(await inspectLeases(store, inspector)),
    ...(await inspectConsumers(store, workers)),
  ]
  if (findings.length > 0) return findings
  return [{ level: "ok", subject: "redis", message: `${store.where} is in order` }]
}

async function inspectClock(store: Store): Promise<Finding[]> {
  const before = store.clock.now()
  const there = await store.time()
  const here = (before + store.clock.now()) / 2
  const skew = Math.round(there - here)
  if (Math.abs(skew) <= CLOCK_SLACK) return []
  const side = skew > 0 ? "ahead of" : "behind"
  return [
    {
      level: "warning",
      subject: "clock",
      message: `the server's clock is ${formatDuration(Math.abs(skew))} ${side} this machine's`,
      fix: "Let both machines keep their time: timedatectl set-ntp true",
    },
  ]
}

async function inspectLeases(store: Store, inspector: Inspector): Promise<Finding[]> {
  const since = store.clock.now() - RECLAIM_GRACE
  const running = (await inspector.queues()).filter((queue) => queue.running > 0)
  const members = (
    await Promise.all(
      running.map(({ queue }) => store.range(`${store.prefix}leases:${queue}`, "-inf", since, "BYSCORE")),
    )
  ).flat()
  // A member stands for one task, or for the plain ones of a reservation.
  const entries = members
    .filter((member) => member.startsWith("*"))
    .map((member) => `${member.slice(1)}:plain`)
  const plain =
    entries.length > 0 ? await store.use((client) => client.hmget(`${store.prefix}open`, ...entries)) : []
  const lost = members.length - entries.length + plain.reduce((sum, count) => sum + Number(count ?? 0), 0)
  if (lost === 0) return []
  return [
    {
      level: "warning",
      subject: "leases",
      message: `${lost} running tasks have lost their worker and nobody takes them back`,
      fix: "Start a worker for their queues, and resume those that are paused: stem inspect queues",
    },
  ]
}

/** Consumers of the group that hold reservations although their worker is long gone. */
async function inspectConsumers(store: Store, workers: WorkerRegistry): Promise<Finding[]> {
  const stream = `${store.prefix}running`
  const answer = await store
    .use((client) => client.xinfo("CONSUMERS", stream, "stem") as Promise<(string | number)[][]>)
    .catch(() => [])
  const alive = new Set((await workers.list()).map(({ id }) => id))
  const idle = answer
    .map(([, name, , pending, , idle]) => ({
      name: String(name),
      pending: Number(pending),
      idle: Number(idle),
    }))
    .filter(({ name, pending, idle }) => pending > 0 && idle > SILENT && !alive.has(name))
  if (idle.length === 0) return []
  return [
    {
      level: "warning",
      subject: "consumers",
      message: `${idle.length} workers that are gone still hold reservations, such as ${idle[0]?.name}`,
      fix: "Start a worker for every queue: it takes their tasks back, and the consumers go with them.",
    },
  ]
}
