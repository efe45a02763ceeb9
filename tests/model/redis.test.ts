import { expect, test } from "bun:test"
import type { ManualClock } from "../support/manual-clock.ts"
import { redisStore } from "../support/redis-store.ts"
import { walkAgainstMemory } from "./against-memory.ts"

test("redis answers and shows what memory does, whatever is done in whatever order", async () => {
  const openRedis = async (clock: ManualClock) => {
    const store = redisStore()
    return { drivers: [await store.open(clock), await store.open(clock)] as const, close: store.remove }
  }
  const seen = await walkAgainstMemory("redis", openRedis, { runs: 40, steps: 120 })
  console.log("walked", seen)
  expect(seen.deliveries).toBeGreaterThan(300)
  expect(seen.stale).toBeGreaterThan(50)
  expect(seen.replaced).toBeGreaterThan(10)
  expect(seen.joined).toBeGreaterThan(20)
}, 120_000)
