import { expect, test } from "bun:test"
import { sqliteFile } from "../support/sqlite-file.ts"
import { walkAgainstMemory } from "./against-memory.ts"

test("sqlite answers and shows what memory does, whatever is done in whatever order", async () => {
  const openSqlite = async (clock: Parameters<ReturnType<typeof sqliteFile>["open"]>[0]) => {
    const file = sqliteFile()
    return { drivers: [await file.open(clock), await file.open(clock)] as const, close: file.remove }
  }
  const seen = await walkAgainstMemory("sqlite", openSqlite, { runs: 40, steps: 120 })
  console.log("walked", seen)
  expect(seen.deliveries).toBeGreaterThan(300)
  expect(seen.stale).toBeGreaterThan(50)
  expect(seen.replaced).toBeGreaterThan(10)
  expect(seen.joined).toBeGreaterThan(20)
}, 120_000)
