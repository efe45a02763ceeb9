import type { DriverOptions } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { machineClock } from "../machine-clock.ts"
import type { Client } from "./client.ts"
import { type Connection, createConnection } from "./connection.ts"

/** Between two rounds of one process; what is left over in between is little. */
const EVERY: Millis = 3_600_000
/** A relation smaller than this is left as it is. */
const LEAST_BYTES = 1_048_576
/** So much of a table's row is needed for its statistics to say that most of the table is empty. */
const ROW_BYTES = 256
/** An entry takes about 80 bytes; an index that takes so much for each row is mostly holes. */
const HOLLOW_BYTES = 512
/** How long one statement may take; what waits for an old transaction is given up, and tried again at the next round. */
const PATIENCE: Millis = 30_000
/** Older ones could damage an index that is made beside writers: 14.4 mended it. */
const SAFE_VERSION = 140_004

/** Hands empty pages back to the server's disk. */
export interface GiveBack {
  /** Does a round when it is time. Answers false: there is no more until the next. */
  (): Promise<boolean>
  /** Gives up what is under way. */
  close(): Promise<void>
}

/**
 * Vacuum shortens a table whose end is empty, and never an index. So after a long backlog, or when a million results were
 * forgotten, this vacuums what is half empty, and makes anew the indexes that are mostly holes, beside all that goes on
 * (REINDEX CONCURRENTLY): there are few rows to be read then. By itself vacuum leaves a few dead entries for later, to
 * spare the indexes a round (INDEX_CLEANUP), and a table that has one near its end is never shortened. A table in use is
 * shortened by the second round or the third, for new rows lie at its end until a vacuum has told where there is room. On
 * a connection of its own, for whoever shares one would wait behind it; never through a pooler, which has no place for
 * the lock that keeps two from doing the same.
 */
export function createGiveBack(url: string, options: DriverOptions): GiveBack {
  let last = Number.NEGATIVE_INFINITY
  let own: Connection | undefined
  let closed = false

  async function giveBack(): Promise<boolean> {
    if (closed || machineClock.monotonic() - last < EVERY) return false
    last = machineClock.monotonic()
    const connection = createConnection(url, options)
    own = connection
    try {
      await round(connection)
    } catch (error) {
      if (!closed) throw error
    } finally {
      own = undefined
      await connection.close()
    }
    return false
  }
  return Object.assign(giveBack, {
    async close() {
      closed = true
      await own?.close()
    },
  })
}

async function round(connection: Connection): Promise<void> {
  const { schema } = connection
  const within = <T>(work: (client: Client) => Promise<T>) => connection.use(work, PATIENCE + 5000)
  const alone = await within(async (client) => {
    if (client.pooled || client.version < SAFE_VERSION) return false
    await client.script(`SET statement_timeout = ${PATIENCE}`)
    const [row] = await client.query<{ got: boolean }>(
      `SELECT pg_try_advisory_lock(hashtextextended('give back ${schema}', 0)) AS got`,
      [],
    )
    return row?.got ?? false
  })
  if (!alone) return
  const each = async (found: string, statement: (name: string) => string) => {
    for (const { name } of await within((client) => client.query<{ name: string }>(found, [])))
      await within((client) => client.script(statement(name)))
  }
  try {
    await each(halfEmpty(schema), (name) => `VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON) ${name}`)
    // A round that was given up has left half an index.
    await each(leftOver(schema), (name) => `DROP INDEX CONCURRENTLY IF EXISTS ${name}`)
    await each(hollowIndexes(schema), (name) => `REINDEX INDEX CONCURRENTLY ${name}`)
  } finally {
    // The server needs a moment to see that we have gone.
    if (connection.up)
      await within((client) => client.script("SELECT pg_advisory_unlock_all()")).catch(() => {})
  }
}

/** Only an owner may make an index anew; where the schema is another's, it is left to that one. */
const ours = (relation: string) => `pg_has_role(${relation}.relowner, 'USAGE')`

const halfEmpty = (schema: string) =>
  `SELECT relid::regclass::text AS name FROM pg_stat_user_tables
   WHERE schemaname = '${schema}' AND pg_relation_size(relid) > ${LEAST_BYTES}
     AND n_live_tup * ${ROW_BYTES} < pg_relation_size(relid) / 2`

const leftOver = (schema: string) =>
  `SELECT c.oid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE c.relnamespace = '${schema}'::regnamespace AND NOT i.indisvalid AND ${ours("c")} AND c.relname ~ '_cc(new|old)[0-9]*$'
     AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid)`

/**
 * Those that are mostly holes, with what they take. The rows are counted by vacuum and by the server's statistics, and the
 * larger number goes.
 */
export const hollowIndexes = (schema: string): string =>
  `SELECT c.oid::regclass::text AS name, pg_relation_size(c.oid) AS bytes
   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
   LEFT JOIN pg_stat_user_tables s ON s.relid = t.oid
   WHERE c.relnamespace = '${schema}'::regnamespace AND i.indisvalid AND i.indisready AND ${ours("c")}
     AND pg_relation_size(c.oid) > ${LEAST_BYTES}
     AND pg_relation_size(c.oid) > ${HOLLOW_BYTES} * greatest(t.reltuples, s.n_live_tup)
   ORDER BY 2 DESC`
