import type { Finding } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { machineClock } from "../machine-clock.ts"
import type { Store } from "./store.ts"

/** What the clocks of two machines may differ by before leases suffer. */
const SKEW: Millis = 1000
/** How long a transaction may hold back vacuum before reserve feels it. */
const LONG_TRANSACTION: Millis = 60_000
/** Dead rows beside live ones, from where vacuum is seen to lag. */
const DEAD_ROWS = 200_000
const BUSY = 0.9

interface ServerRow {
  readonly at: string
  readonly connections: number
  readonly most: number
  readonly commit: string
  readonly fsync: string
  readonly oldest: string | null
  readonly oldest_pid: number | null
  readonly dead: string
  readonly live: string
  readonly autovacuum: string
}

const SERVER = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at,
  (SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
  current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer AS most,
  current_setting('synchronous_commit') AS commit, current_setting('fsync') AS fsync,
  current_setting('autovacuum') AS autovacuum,
  (extract(epoch FROM clock_timestamp() - o.xact_start) * 1000)::bigint AS oldest, o.pid AS oldest_pid,
  coalesce(t.n_dead_tup, 0) AS dead, coalesce(t.n_live_tup, 0) AS live
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (
    SELECT pid, xact_start FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
    ORDER BY xact_start LIMIT 1
  ) AS o ON true
  LEFT JOIN pg_stat_user_tables AS t ON t.relid = 'stem.tasks'::regclass`

/** What can hurt of the server, the way to it and the tables. */
export async function inspectServer({ desk, bell }: Store): Promise<readonly Finding[]> {
  const { pooled, row, sentAt, heardAt } = await desk.use(async (client) => {
    const sentAt = machineClock.now()
    const rows = await client.query<ServerRow>(SERVER.replaceAll("stem.", `${desk.schema}.`), [])
    return { pooled: client.pooled, row: rows[0] as ServerRow, sentAt, heardAt: machineClock.now() }
  })
  const hears = pooled ? undefined : await bell.attend("work", () => bell.proven())
  const skew = Math.max(Number(row.at) - heardAt, sentAt - Number(row.at))
  const oldest = Number(row.oldest ?? 0)
  return [
    ...warn(
      pooled,
      "pooler",
      "a pooler stands between: waiting workers ask every 100 ms instead of being told",
      "Point workers at Postgres itself, or at a pool in session mode with ?prepare=true.",
    ),
    ...warn(
      hears === false,
      "notifications",
      "LISTEN does not hear what is notified: waiting workers ask every 100 ms instead",
      "Look for a proxy in front of Postgres that does not pass notifications on.",
    ),
    ...warn(
      skew > SKEW,
      "clock",
      `this machine's clock and the server's are ${formatDuration(skew)} apart`,
      "Let both keep their time: timedatectl set-ntp true",
    ),
    ...warn(
      oldest > LONG_TRANSACTION,
      "transactions",
      `a transaction (process ${row.oldest_pid}) has been open for ${formatDuration(oldest)} and holds back vacuum`,
      `End it: SELECT pg_terminate_backend(${row.oldest_pid}); see also idle_in_transaction_session_timeout.`,
    ),
    ...warn(
      Number(row.dead) > DEAD_ROWS && Number(row.dead) > 2 * Number(row.live),
      "bloat",
      `${row.dead} dead rows lie in the table of tasks beside ${row.live} live ones`,
      `Clear them: VACUUM ANALYZE ${desk.schema}.tasks; and see that autovacuum keeps up.`,
    ),
    ...warn(
      row.autovacuum !== "on",
      "autovacuum",
      "autovacuum is switched off: tables will grow without end",
      "Switch it on: ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();",
    ),
    ...warn(
      row.connections >= row.most * BUSY,
      "connections",
      `${row.connections} of the server's ${row.most} connections are taken; each worker needs three`,
      "Raise max_connections, or put a pooler in front.",
    ),
    ...warn(
      row.commit === "off" || row.fsync === "off",
      "durability",
      "the server answers before a commit is on its disk: a power cut loses tasks",
      "Set synchronous_commit = on and fsync = on.",
    ),
  ]
}

const warn = (when: boolean, subject: string, message: string, fix: string): Finding[] =>
  when ? [{ level: "warning", subject, message, fix }] : []
