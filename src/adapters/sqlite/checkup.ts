import type { Finding } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { inspectFile } from "./file-checkup.ts"
import type { Store } from "./store.ts"

/** A lease that ran out this long ago should have been reclaimed: every worker looks once a second. */
const RECLAIM_GRACE: Millis = 10_000
/** What the clocks of two machines, or of one machine before and after a correction, may differ by. */
const CLOCK_SLACK: Millis = 5000
/** By the index of leases: a million waiting tasks are not looked at. */
const LEASED = "queue IN (SELECT queue FROM queues WHERE ns = ?1) AND until IS NOT NULL"

/** What can hurt in this file and on its disk, and leases that nobody takes back. */
export async function checkup(store: Store): Promise<readonly Finding[]> {
  const now = store.clock.now()
  const findings = [
    ...(await inspectFile(store.connection.path)),
    ...(await inspectIntegrity(store)),
    ...(await inspectRoom(store)),
    ...(await inspectLeases(store, now)),
    ...(await inspectClock(store, now)),
  ]
  if (findings.length > 0) return findings
  return [{ level: "ok", subject: "sqlite", message: `${store.connection.path} is in order` }]
}

async function inspectIntegrity({ connection }: Store): Promise<Finding[]> {
  const { path } = connection
  const check = connection.sql("PRAGMA quick_check(1)")
  const row = await connection.patiently(() => check.one<{ quick_check: string }>())
  if (row?.quick_check === "ok") return []
  const message = `${path} is damaged: ${row?.quick_check}`
  return [{ level: "problem", subject: "file", message, fix: `Rescue it: sqlite3 ${path} .recover` }]
}

/** A file that was made before files could be shortened stays as large as it ever was. */
async function inspectRoom({ connection }: Store): Promise<Finding[]> {
  const pragma = (name: string) => connection.sql(`PRAGMA ${name}`).one<Record<string, number>>()?.[name] ?? 0
  const empty = await connection.patiently(() =>
    pragma("auto_vacuum") === 0 ? pragma("freelist_count") * pragma("page_size") : 0,
  )
  if (empty < MUCH) return []
  const { path } = connection
  return [
    {
      level: "warning",
      subject: "size",
      message: `${Math.floor(empty / 1_048_576)} MiB of ${path} are empty, and an older Stem made it so that it can not shrink`,
      fix: `When nothing uses it: sqlite3 ${path} 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'`,
    },
  ]
}

const MUCH = 64 * 1_048_576

async function inspectLeases({ connection, ns }: Store, now: Millis): Promise<Finding[]> {
  const count = connection.sql(`SELECT count(*) AS n FROM tasks WHERE ${LEASED} AND until < ?2`)
  const lost = await connection.patiently(() => count.one<{ n: number }>(ns, now - RECLAIM_GRACE)?.n ?? 0)
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

async function inspectClock({ connection, ns }: Store, now: Millis): Promise<Finding[]> {
  const latest = connection.sql(
    `SELECT max(coalesce((SELECT max(ended) FROM statuses WHERE ns = ?1), 0),
                coalesce((SELECT max(started) FROM tasks WHERE ${LEASED}), 0)) AS at`,
  )
  const ahead = await connection.patiently(() => (latest.one<{ at: Millis }>(ns)?.at ?? 0) - now)
  if (ahead <= CLOCK_SLACK) return []
  return [
    {
      level: "warning",
      subject: "clock",
      message: `the store has seen a time ${formatDuration(ahead)} ahead of this machine's clock`,
      fix: "Let the machine keep its time: timedatectl set-ntp true",
    },
  ]
}
