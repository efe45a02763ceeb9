import { expect, test } from "bun:test"
import { postgresStore } from "../support/postgres-store.ts"
import { walkAgainstMemory } from "./against-memory.ts"

test("postgres answers and shows what memory does, whatever is done in whatever order", async () => {
  const seen = await walkAgainstMemory(
    "postgres",
    async (clock) => {
      const store = postgresStore()
      return { drivers: [await store.open(clock), await store.open(clock)] as const, close: store.close }
    },
    { runs: 25, steps: 120 },
  )
  console.log("walked", seen)
  expect(seen.deliveries).toBeGreaterThan(200)
  expect(seen.stale).toBeGreaterThan(30)
  expect(seen.replaced).toBeGreaterThan(5)
  expect(seen.joined).toBeGreaterThan(10)
}, 120_000)
