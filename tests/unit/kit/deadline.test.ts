import { describe, expect, test } from "bun:test"
import { inTime, until } from "../../../src/core/kit/deadline.ts"
import { manualClock } from "../../support/manual-clock.ts"

describe("an answer in time", () => {
  test("is handed on, and its timer does not outlive it", async () => {
    const clock = manualClock()
    expect(await inTime(clock, 1000, Promise.resolve(5))).toBe(5)
    const refused = inTime(clock, 1000, Promise.reject(new Error("no"))).catch(
      (error: Error) => error.message,
    )
    expect(await refused).toBe("no")
    expect(clock.sleepers()).toBe(0)
  })

  test("is undefined when the time is over, and what comes later is nobody's error", async () => {
    const clock = manualClock()
    const late = Promise.withResolvers<number>()
    const answer = inTime(clock, 1000, late.promise)
    await clock.advance(1000)
    expect(await answer).toBeUndefined()
    late.reject(new Error("too late"))
    await clock.advance(1)
  })
})

describe("a wait until an instant", () => {
  const waiting = (given: AbortSignal[]) => (signal: AbortSignal) => {
    given.push(signal)
    return new Promise<true>((resolve) => signal.addEventListener("abort", () => resolve(true)))
  }

  test("is stopped at that instant, or by its signal", async () => {
    const clock = manualClock()
    const signals: AbortSignal[] = []
    const over = until(clock, clock.now() + 500, waiting(signals), new AbortController().signal)
    await clock.advance(499)
    expect(signals[0]?.aborted).toBe(false)
    await clock.advance(1)
    expect(await over).toBeUndefined()
    expect(signals[0]?.aborted).toBe(true)

    const stop = new AbortController()
    const stopped = until(clock, clock.now() + 500, waiting(signals), stop.signal)
    stop.abort()
    expect(await stopped).toBe(true)
    expect(clock.sleepers()).toBe(0)
  })

  test("that is over before leaves no timer", async () => {
    const clock = manualClock()
    expect(await until(clock, clock.now() + 500, async () => 7, new AbortController().signal)).toBe(7)
    expect(clock.sleepers()).toBe(0)
  })
})
