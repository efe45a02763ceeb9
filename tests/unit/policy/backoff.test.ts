import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { backoffDelay } from "../../../src/core/policy/backoff.ts"
import type { Backoff } from "../../../src/core/task/retry.ts"

const shaped = fc.record({
  kind: fc.constantFrom("exponential" as const, "linear" as const),
  baseMs: fc.integer({ min: 0, max: 60_000 }),
  maxMs: fc.integer({ min: 0, max: 3_600_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
})
const chance = fc.double({ min: 0, max: 0.999, noNaN: true })

describe("backoff", () => {
  test.each([
    [{ kind: "exponential", baseMs: 1000, maxMs: 300_000, jitter: 0 }, [1000, 2000, 4000, 8000]],
    [{ kind: "exponential", baseMs: 1000, maxMs: 3000, jitter: 0 }, [1000, 2000, 3000, 3000]],
    [{ kind: "linear", baseMs: 500, maxMs: 1200, jitter: 0 }, [500, 1000, 1200, 1200]],
    [{ kind: "fixed", baseMs: 700 }, [700, 700, 700, 700]],
  ] as [Backoff, number[]][])("%j gives %j", (backoff, delays) => {
    expect([1, 2, 3, 4].map((attempt) => backoffDelay(backoff, attempt, 0.5))).toEqual(delays)
  })

  test("jitter takes off at most its share", () => {
    const backoff: Backoff = { kind: "exponential", baseMs: 1000, maxMs: 60_000, jitter: 0.25 }
    expect(backoffDelay(backoff, 1, 0)).toBe(1000)
    expect(backoffDelay(backoff, 1, 0.999999)).toBe(750)
  })

  test("a delay is never negative and never over its maximum, whatever the attempt", () => {
    fc.assert(
      fc.property(shaped, fc.integer({ min: 1, max: 1000 }), chance, (backoff, attempt, random) => {
        const delay = backoffDelay(backoff, attempt, random)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(backoff.maxMs)
      }),
    )
  })

  test("without jitter a later attempt never waits less", () => {
    fc.assert(
      fc.property(shaped, fc.integer({ min: 1, max: 60 }), (backoff, attempt) => {
        const calm = { ...backoff, jitter: 0 }
        expect(backoffDelay(calm, attempt + 1, 0)).toBeGreaterThanOrEqual(backoffDelay(calm, attempt, 0))
      }),
    )
  })
})
