import type { Migration } from "../../core/contracts/driver.ts"
import { invalid } from "../../core/kit/errors.ts"
import type { Client } from "./client.ts"
import functions from "./functions-1.sql" with { type: "text" }
import tables from "./schema-1.sql" with { type: "text" }
import settle from "./settle-1.sql" with { type: "text" }

/** One step for each version of the schema, in order; a released step is never changed. */
const STEPS: readonly string[] = [[tables, functions, settle].join("\n")]

/** The version this Stem works with. */
export const VERSION = STEPS.length

/** Names the schema for those who ask for the same at once. */
const LOCK = 1_400_136_045

/** What is missing in this schema. Throws `store_too_new` for one that this Stem must not touch. */
export async function pendingMigration(client: Client, schema: string, where: string): Promise<Migration> {
  const from = await versionOf(client, schema)
  if (from > STEPS.length)
    throw invalid(
      "store_too_new",
      `the schema "${schema}" of ${where} has version ${from}, and this Stem knows ${STEPS.length}`,
      "Use the newer Stem that made it, or another schema: add ?schema=NAME to the URL.",
    )
  return { from, to: STEPS.length, statements: statementsFrom(from, schema) }
}

/** Brings the schema up to date. Safe when many processes do it at once: one does, the others find it done. */
export async function applyMigration(client: Client, schema: string, where: string): Promise<Migration> {
  const migration = await pendingMigration(client, schema, where)
  if (migration.from === migration.to) return migration
  await client.script("BEGIN")
  try {
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

/** The version of what is there; 0 for nothing. */
export async function versionOf(client: Client, schema: string): Promise<number> {
  const there = `SELECT to_regclass('${schema}.migrations') IS NOT NULL AS there`
  if (!(await client.query<{ there: boolean }>(there, []))[0]?.there) return 0
  const latest = `SELECT max(version) AS version FROM ${schema}.migrations`
  return (await client.query<{ version: number | null }>(latest, []))[0]?.version ?? 0
}

function statementsFrom(from: number, schema: string): readonly string[] {
  if (from === STEPS.length) return []
  const first = [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
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
