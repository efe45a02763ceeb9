import type { Database } from "bun:sqlite"
import type { Migration } from "../../core/contracts/driver.ts"
import { invalid } from "../../core/kit/errors.ts"
import first from "./schema-1.sql" with { type: "text" }
import second from "./schema-2.sql" with { type: "text" }
import third from "./schema-3.sql" with { type: "text" }
import limits from "./schema-4.sql" with { type: "text" }
import flows from "./schema-5.sql" with { type: "text" }
import chains from "./schema-6.sql" with { type: "text" }

/** One step for each version of the schema, in order; a released step is never changed. */
const STEPS: readonly string[] = [first, second, third, limits, flows, chains]

/** "Stem" in the file's header, so that the database of another program is never taken for a store. */
const APPLICATION_ID = 0x53_74_65_6d

const numberOf = (db: Database, pragma: "user_version" | "application_id") =>
  (db.query(`PRAGMA ${pragma}`).get() as Record<string, number>)[pragma] ?? 0

/** What is missing in this file. Throws `store_too_new` or `store_foreign` for one that this Stem must not touch. */
export function pendingMigration(db: Database, path: string): Migration {
  const from = numberOf(db, "user_version")
  const owner = numberOf(db, "application_id")
  const empty = db.query("SELECT 1 FROM sqlite_master LIMIT 1").get() === null
  if (owner !== APPLICATION_ID && !(empty && from === 0 && owner === 0))
    throw invalid(
      "store_foreign",
      `${path} is the database of another program`,
      "Name another file; a new one is made.",
    )
  if (from > STEPS.length)
    throw invalid(
      "store_too_new",
      `${path} has schema version ${from}, and this Stem knows ${STEPS.length}`,
      "Use the newer Stem that wrote it, or another file.",
    )
  return { from, to: STEPS.length, statements: STEPS.slice(from).flatMap(statementsOf) }
}

/** Brings the schema up to date. Safe when several processes do it at once: one does, the others find it done. */
export function applyMigration(db: Database, path: string): Migration {
  const migration = pendingMigration(db, path)
  if (migration.from === migration.to) return migration
  const upgrade = db.transaction(() => {
    const now = pendingMigration(db, path)
    for (const step of STEPS.slice(now.from)) db.run(step)
    db.run(`PRAGMA application_id = ${APPLICATION_ID}`)
    db.run(`PRAGMA user_version = ${STEPS.length}`)
    return now
  })
  return upgrade.immediate()
}

const statementsOf = (step: string) =>
  step
    .replace(/^--.*\n/gm, "")
    // A trigger has statements of its own.
    .split(/;\n(?!END| {2})/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "")
