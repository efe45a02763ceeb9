import type { Migration } from "../../core/contracts/driver.ts"
import { invalid } from "../../core/kit/errors.ts"
import type { Client } from "./client.ts"
import heldFinish from "./finish-13.sql" with { type: "text" }
import flowFirings from "./firings-10.sql" with { type: "text" }
import functions from "./functions-1.sql" with { type: "text" }
import scheduleFunctions from "./functions-2.sql" with { type: "text" }
import eventFunctions from "./functions-3.sql" with { type: "text" }
import limitFunctions from "./functions-4.sql" with { type: "text" }
import roomFunctions from "./functions-5.sql" with { type: "text" }
import leaseFunctions from "./functions-6.sql" with { type: "text" }
import readyFunctions from "./functions-7.sql" with { type: "text" }
import turnFunctions from "./functions-9.sql" with { type: "text" }
import flowFunctions from "./functions-10.sql" with { type: "text" }
import scheduleLookups from "./functions-11.sql" with { type: "text" }
import slotLookups from "./functions-14.sql" with { type: "text" }
import namedRemovals from "./functions-15.sql" with { type: "text" }
import sharedTurns from "./functions-16.sql" with { type: "text" }
import groupFunctions from "./groups-10.sql" with { type: "text" }
import newArrivals from "./groups-12.sql" with { type: "text" }
import flowIntake from "./intake-10.sql" with { type: "text" }
import heldIntake from "./intake-13.sql" with { type: "text" }
import pinnedLookups from "./lookups-12.sql" with { type: "text" }
import orderlyReclaim from "./reclaim-12.sql" with { type: "text" }
import sharedReclaim from "./reclaim-13.sql" with { type: "text" }
import takeOver from "./reclaim-16.sql" with { type: "text" }
import sharedReserve from "./reserve-13.sql" with { type: "text" }
import rangedReserve from "./reserve-19.sql" with { type: "text" }
import tables from "./schema-1.sql" with { type: "text" }
import scheduleTables from "./schema-2.sql" with { type: "text" }
import eventTables from "./schema-3.sql" with { type: "text" }
import limitTables from "./schema-4.sql" with { type: "text" }
import leaseTables from "./schema-6.sql" with { type: "text" }
import eventStorage from "./schema-8.sql" with { type: "text" }
import flowTables from "./schema-10.sql" with { type: "text" }
import reservations from "./schema-13.sql" with { type: "text" }
import settle from "./settle-1.sql" with { type: "text" }
import leaseSettle from "./settle-6.sql" with { type: "text" }
import flowSettle from "./settle-10.sql" with { type: "text" }
import newSettle from "./settle-12.sql" with { type: "text" }
import sharedSettle from "./settle-13.sql" with { type: "text" }
import safeReturn from "./settle-16.sql" with { type: "text" }
import hintedSettle from "./settle-17.sql" with { type: "text" }
import fairTurns from "./turns-10.sql" with { type: "text" }
import lighterTurns from "./turns-12.sql" with { type: "text" }
import heldTurns from "./turns-13.sql" with { type: "text" }

/** One step for each version of the schema, in order; a released step is never changed. */
const STEPS: readonly string[] = [
  [tables, functions, settle].join("\n"),
  [scheduleTables, scheduleFunctions].join("\n"),
  [eventTables, eventFunctions].join("\n"),
  [limitTables, limitFunctions].join("\n"),
  roomFunctions,
  [leaseTables, leaseFunctions, leaseSettle].join("\n"),
  readyFunctions,
  eventStorage,
  turnFunctions,
  [flowTables, flowFunctions, fairTurns, flowIntake, flowFirings, groupFunctions, flowSettle].join("\n"),
  scheduleLookups,
  [pinnedLookups, orderlyReclaim, lighterTurns, newArrivals, newSettle].join("\n"),
  [reservations, sharedReserve, heldTurns, sharedReclaim, sharedSettle, heldFinish, heldIntake].join("\n"),
  slotLookups,
  namedRemovals,
  [sharedTurns, takeOver, safeReturn].join("\n"),
  hintedSettle,
  // Once more: for some minutes the step before was made of an older text, which schemas may have kept.
  hintedSettle,
  rangedReserve,
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
