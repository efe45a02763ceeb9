import type { Finding } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { hollowIndexes } from "./give-back.ts"
import { inspectServer } from "./server-checkup.ts"
import type { Store } from "./store.ts"

/** A lease that ran out this long ago should have been reclaimed: every worker looks once a second. */
const RECLAIM_GRACE: Millis = 10_000

/** What can hurt on this server and in this schema, and leases that nobody takes back. */
export async function checkup(store: Store): Promise<readonly Finding[]> {
  const findings = [
    ...(await inspectServer(store)),
    ...(await inspectLeases(store)),
    ...(await inspectIndexes(store)),
  ]
  if (findings.length > 0) return findings
  return [{ level: "ok", subject: "postgres", message: `${store.desk.where} is in order` }]
}

/** Workers make them anew once an hour; through a pooler, or on a server older than 14.4, nobody does. */
async function inspectIndexes({ desk }: Store): Promise<Finding[]> {
  const found = await desk.sql(hollowIndexes(desk.schema)).all<{ name: string; bytes: string }>()
  const hollow = found.filter(({ bytes }) => Number(bytes) > MUCH)
  if (hollow.length === 0) return []
  const bytes = hollow.reduce((sum, one) => sum + Number(one.bytes), 0)
  return [
    {
      level: "warning",
      subject: "indexes",
      message: `${Math.floor(bytes / 1_048_576)} MiB of indexes are mostly empty`,
      fix: `Make them anew beside the work: ${hollow.map(({ name }) => `REINDEX INDEX CONCURRENTLY ${name};`).join(" ")}`,
    },
  ]
}

/** An index that is hollow is told of from this size on. */
const MUCH = 64 * 1_048_576

async function inspectLeases({ desk, ns, clock }: Store): Promise<Finding[]> {
  const lost = desk.sql(
    `SELECT (SELECT count(*) FROM stem.tasks WHERE ns = $1 AND until < $2)::integer
       + (SELECT coalesce(sum(open), 0) FROM stem.reservations WHERE ns = $1 AND until < $2)::integer AS n`,
  )
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
