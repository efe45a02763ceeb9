import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite"
import { closeSync, openSync } from "node:fs"
import type { Migration } from "../../core/contracts/driver.ts"
import { unavailable } from "../../core/kit/errors.ts"
import { isBusy, storeTrouble } from "./failures.ts"
import { requireFolder } from "./location.ts"
import { sameFile } from "./same-file.ts"
import { applyMigration } from "./schema.ts"

/** A statement that is prepared when it is first used. */
export interface Sql {
  /** Answers how many rows it changed. */
  run(...values: SQLQueryBindings[]): number
  one<Row>(...values: SQLQueryBindings[]): Row | undefined
  all<Row>(...values: SQLQueryBindings[]): Row[]
  each<Row>(...values: SQLQueryBindings[]): Iterable<Row>
}

/** One open file. */
export interface Connection {
  readonly path: string
  sql(text: string): Sql
  /** Compiles and runs a statement now. */
  run(text: string): void
  /**
   * Runs `work`, and again while another process holds the lock, for at most five seconds; the event loop goes on.
   * Throws `unavailable` for trouble of the whole store.
   */
  patiently<T>(work: () => T): Promise<T>
  readonly inTransaction: boolean
  close(): void
}

/** What SQLite itself waits for a lock, with the event loop held; the rest of the patience is ours. */
const BUSY_MS = 5
const TRIES = 1000

/**
 * Opens the file, making it readable by its owner alone, and brings its schema up to date.
 * Throws `unavailable` or `invalid`; then nothing is left open.
 */
export async function connect(path: string): Promise<Connection & { migration: Migration }> {
  requireFolder(path)
  let db: Database | undefined
  try {
    closeSync(openSync(path, "a", 0o600))
    const opened = new Database(path)
    db = opened
    opened.run(`PRAGMA busy_timeout = ${BUSY_MS}`)
    // First of all: the database of another program must be left as it is, its journal mode too.
    const migration = await patiently(path, () => {
      opened.run("PRAGMA synchronous = FULL")
      // Heard only by a file that is empty yet: give-back.ts can shorten it then.
      opened.run("PRAGMA auto_vacuum = INCREMENTAL")
      return applyMigration(opened, path)
    })
    await patiently(path, () => opened.run("PRAGMA journal_mode = WAL"))
    opened.run("PRAGMA wal_autocheckpoint = 4000")
    opened.run("PRAGMA journal_size_limit = 67108864")
    opened.run("PRAGMA cache_size = -16000")
    opened.run("PRAGMA temp_store = MEMORY")
    return Object.assign(connectionOf(opened, path), { migration })
  } catch (error) {
    db?.close()
    throw storeTrouble(error, path) ?? error
  }
}

function connectionOf(db: Database, path: string): Connection {
  const prepared: Statement[] = []
  const lookForFile = sameFile(path)
  let closed = false
  return {
    path,
    run: (text) => void db.run(text),
    sql(text) {
      let ready: Statement | undefined
      const prepare = () => {
        ready = db.prepare(text)
        prepared.push(ready)
        return ready
      }
      return {
        run: (...values) => (ready ?? prepare()).run(...values).changes,
        one: <Row>(...values: SQLQueryBindings[]) =>
          ((ready ?? prepare()).get(...values) as Row | null) ?? undefined,
        all: <Row>(...values: SQLQueryBindings[]) => (ready ?? prepare()).all(...values) as Row[],
        each: <Row>(...values: SQLQueryBindings[]) =>
          (ready ?? prepare()).iterate(...values) as Iterable<Row>,
      }
    },
    patiently: (work) =>
      patiently(path, () => {
        if (closed) throw unavailable("store_closed", `${path} has been closed`)
        lookForFile()
        return work()
      }),
    get inTransaction() {
      return db.inTransaction
    },
    close() {
      closed = true
      for (const statement of prepared) statement.finalize()
      db.close()
    },
  }
}

async function patiently<T>(path: string, work: () => T): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || left === 0) throw storeTrouble(error, path) ?? error
    }
    // Real time, whatever clock the store was given: it waits for another process, not for a task.
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
