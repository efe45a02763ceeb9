import { Database } from "bun:sqlite"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { open } from "../../src/adapters/sqlite/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Clock } from "../../src/core/kit/clock.ts"

/** A folder of its own for one test, with a store's file in it. */
export interface SqliteFile {
  readonly folder: string
  readonly path: string
  readonly url: string
  open(clock: Clock, namespace?: string): Promise<Driver>
  /** Does something to the file behind the store's back. */
  behind<T>(act: (db: Database) => T): T
  /** Closes what is open and removes the folder. */
  remove(): Promise<void>
}

export function sqliteFile(name = "stem.db"): SqliteFile {
  const folder = mkdtempSync(join(tmpdir(), "stem-sqlite-"))
  const path = join(folder, name)
  const drivers: Driver[] = []
  return {
    folder,
    path,
    url: `sqlite:${path}`,
    async open(clock, namespace = "test") {
      const driver = await open(`sqlite:${path}`, { namespace, clock })
      drivers.push(driver)
      return driver
    },
    behind(act) {
      const db = new Database(path)
      try {
        return act(db)
      } finally {
        db.close()
      }
    },
    async remove() {
      for (const driver of drivers) await driver.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
