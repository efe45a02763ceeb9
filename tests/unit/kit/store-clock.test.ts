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

test("what a quick answer has said holds at a slow one", async () => {
  const machine = manualClock()
  const clock = storeClock(machine)
  const look = async (before: number, after: number) => {
    const asked = machine.monotonic()
    await machine.advance(before)
    const storeNow = machine.now() + 60_000
    await machine.advance(after)
    clock.follow(storeNow, asked)
    return clock.now() - machine.now() - 60_000
  }
  expect(await look(1, 1)).toBe(0)
  // Nearly all of it was the way back; by this answer alone the clock would be 50 ms behind.
  expect(Math.abs(await look(0, 100))).toBeLessThanOrEqual(1)
  expect(Math.abs(await look(100, 0))).toBeLessThanOrEqual(1)
})

test("a store whose clock was set is followed at the next look", async () => {
  const machine = manualClock()
  const clock = storeClock(machine)
  clock.follow(machine.now(), machine.monotonic())
  await machine.advance(5000)
  clock.follow(machine.now() - 3_600_000, machine.monotonic())
  expect(clock.now()).toBe(machine.now() - 3_600_000)
})
