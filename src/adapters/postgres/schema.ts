import type { Migration } from "../../core/contracts/driver.ts"
import { invalid } from "../../core/kit/errors.ts"
import type { Client } from "./client.ts"
import deskTables from "./desk-1.sql" with { type: "text" }
import events from "./events-1.sql" with { type: "text" }
import firings from "./firings-1.sql" with { type: "text" }
import flowTables from "./flows-1.sql" with { type: "text" }
import groups from "./groups-1.sql" with { type: "text" }
import intake from "./intake-1.sql" with { type: "text" }
import flowIntake from "./intake-flows-1.sql" with { type: "text" }
import leases from "./leases-1.sql" with { type: "text" }
import limits from "./limits-1.sql" with { type: "text" }
import reservations from "./reservations-1.sql" with { type: "text" }
import reserve from "./reserve-1.sql" with { type: "text" }
import schedules from "./schedules-1.sql" with { type: "text" }
import tables from "./schema-1.sql" with { type: "text" }
import settle from "./settle-1.sql" with { type: "text" }
import flowSettle from "./settle-flows-1.sql" with { type: "text" }
import turns from "./turns-1.sql" with { type: "text" }

/**
 * One step for each version of the schema, in order; a released step is never changed. The number at the end of a file's
 * name is that of its step: functions that a later one replaces stand in a file of that step.
 */
const STEPS: readonly string[] = [
  [
    ...[tables, flowTables, deskTables],
    ...[intake, flowIntake, reservations, reserve, turns, leases, settle, flowSettle, groups],
    ...[schedules, firings, events, limits],
  ].join("\n"),
]

/** The version this Stem works with. */
export const VERSION = STEPS.length

/** Names the schema for those who ask for the same at once. */
const LOCK = 1_400_136_045

/** What is missing in this schema. Throws `store_too_new` for one that this Stem must not touch. */
export async function pendingMigration(client: Client, schema: string, where: string): Promise<Migration> {
  const { version: from, made } = await foundIn(client, schema)
  if (from > STEPS.length)
    throw invalid(
      "store_too_new",
      `the schema "${schema}" of ${where} has version ${from}, and this Stem knows ${STEPS.length}`,
      "Use the newer Stem that made it, or another schema: add ?schema=NAME to the URL.",
    )
  return { from, to: STEPS.length, statements: statementsFrom(from, schema, made) }
}

/** Brings the schema up to date. Safe when many processes do it at once: one does, the others find it done. */
export async function applyMigration(client: Client, schema: string, where: string): Promise<Migration> {
  const migration = await pendingMigration(client, schema, where)
  if (migration.from === migration.to) return migration
  await client.script("BEGIN")
  try {
    await client.script("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
    await client.script(`SELECT pg_advisory_xact_lock(${LOCK}, hashtext('${schema}'))`)
    const now = await pendingMigration(client, schema, where)
    for (const statement of now.statements) await client.script(statement)
    await client.script("COMMIT")
    return now
  } catch (error) {
    await client.script("ROLLBACK").catch(() => {})
    throw error
  }
}

/** Asks the catalogue by a query: `to_regclass` may answer from before the lock was waited for. */
async function foundIn(client: Client, schema: string): Promise<{ version: number; made: boolean }> {
  const there = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') AS made, EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = '${schema}' AND c.relname = 'migrations') AS filled`
  const [found] = await client.query<{ made: boolean; filled: boolean }>(there, [])
  const made = found?.made ?? false
  if (!found?.filled) return { version: 0, made }
  const latest = `SELECT max(version) AS version FROM ${schema}.migrations`
  return { version: (await client.query<{ version: number | null }>(latest, []))[0]?.version ?? 0, made }
}

function statementsFrom(from: number, schema: string, made: boolean): readonly string[] {
  if (from === STEPS.length) return []
  // Making a schema takes a right on the database, which not everybody has whose schema was made for them.
  const first = [
    ...(made ? [] : [`CREATE SCHEMA ${schema}`]),
    `CREATE TABLE ${schema}.migrations (version integer PRIMARY KEY)`,
  ]
  return [
    ...(from === 0 ? first : []),
    ...STEPS.slice(from).flatMap((step, at) => [
      ...statementsOf(step.replaceAll(/\bstem\./g, `${schema}.`)),
      `INSERT INTO ${schema}.migrations (version) VALUES (${from + at + 1})`,
    ]),
  ]
}

/** Statements end with a semicolon at the end of a line that is not indented. */
const statementsOf = (step: string) =>
  step
    .split(/(?<=^(?:\S.*)?;)\n/m)
    .map((statement) => statement.replace(/^--.*\n/gm, "").trim())
    .map((statement) => statement.replace(/;$/, ""))
    .filter((statement) => statement !== "")
