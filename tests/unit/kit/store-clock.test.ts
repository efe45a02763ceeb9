import { expect, test } from "bun:test"
import { storeClock } from "../../../src/core/kit/store-clock.ts"
import { manualClock } from "../../support/manual-clock.ts"

test("a clock that follows no store is the machine's", async () => {
  const machine = manualClock()
  expect(storeClock(machine).now()).toBe(machine.now())
})

test("once it follows a store, the machine's clock may be wrong, and may be set, without a difference", async () => {
  const steady = manualClock()
  let wrong = 3_600_000
  const clock = storeClock({ ...steady, now: () => steady.now() + wrong })
  const asked = steady.monotonic()
  await steady.advance(40)
  clock.follow(steady.now() - 20, asked)
  expect(clock.now()).toBe(steady.now())
  await steady.advance(5000)
  wrong = -86_400_000
  expect(clock.now()).toBe(steady.now())
})
