import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  type AutoscalePolicy,
  type AutoscaleState,
  autoscale,
  firstAutoscaleState,
  type Load,
  shareOf,
} from "../../../src/core/policy/autoscale.ts"

const POLICY: AutoscalePolicy = { min: 2, max: 16, up: 4, down: 2, cooldownMs: 5000, waitMs: 1000 }
const IDLE: Load = { concurrency: 8, peak: 0, ready: 0, oldestWaitMs: 0, tookWaitMs: 0, others: 0 }
const now = 100_000
const quietSince = (at: number, quietPeak = 0): AutoscaleState => ({
  changedAt: Number.NEGATIVE_INFINITY,
  quietAt: at,
  quietPeak,
})

describe("autoscale", () => {
  test.each([
    [
      "a backlog of a whole round, all slots in use",
      { peak: 8, ready: 8 },
      12,
      "8 tasks waiting for 8 slots",
    ],
    ["a short backlog that waits too long", { peak: 8, ready: 1, oldestWaitMs: 1000 }, 12, "1000 ms"],
    ["taken tasks that had waited too long", { peak: 8, ready: 1, tookWaitMs: 2500 }, 12, "2500 ms"],
    ["a short backlog that waits a little", { peak: 8, ready: 7, oldestWaitMs: 999 }, undefined, undefined],
    ["a backlog beside idle slots", { peak: 7, ready: 500, oldestWaitMs: 9000 }, undefined, undefined],
    ["long waits that are over", { peak: 8, tookWaitMs: 9000 }, undefined, undefined],
    [
      "the last step, to the most",
      { concurrency: 15, peak: 15, ready: 99 },
      16,
      "99 tasks waiting for 15 slots",
    ],
    ["no step beyond the most", { concurrency: 16, peak: 16, ready: 99 }, undefined, undefined],
    ["fewer than the least", { concurrency: 1 }, 2, "the least is 2"],
    ["more than the most", { concurrency: 40, peak: 40, ready: 999 }, 16, "the most is 16"],
  ] as [string, Partial<Load>, number | undefined, string | undefined][])("%s", (_, load, to, reason) => {
    const decision = autoscale(POLICY, quietSince(now), { ...IDLE, ...load }, now)
    expect(decision.to).toBe(to)
    if (reason) expect(decision.reason).toContain(reason)
  })

  test.each([
    ["idle for the cooldown", quietSince(now - 5000), {}, 6],
    ["idle for less", quietSince(now - 4999), {}, undefined],
    ["as busy as seven of eight", quietSince(now - 5000, 7), {}, 7],
    ["all were in use once", quietSince(now - 5000, 8), {}, undefined],
    ["all are in use, nothing waits", quietSince(now - 5000), { peak: 8 }, undefined],
    ["something waits", quietSince(now - 5000), { ready: 1 }, undefined],
    ["at the least", quietSince(now - 5000), { concurrency: 2 }, undefined],
    ["one above the least", quietSince(now - 5000), { concurrency: 3 }, 2],
  ] as [string, AutoscaleState, Partial<Load>, number | undefined][])("down: %s", (_, state, load, to) => {
    expect(autoscale(POLICY, state, { ...IDLE, ...load }, now).to).toBe(to)
  })

  test("a peak is forgotten once it is a cooldown old", () => {
    const first = autoscale(POLICY, quietSince(now - 5000, 8), IDLE, now)
    expect(first.to).toBeUndefined()
    expect(autoscale(POLICY, first.state, IDLE, now + 4999).to).toBeUndefined()
    expect(autoscale(POLICY, first.state, IDLE, now + 5000).to).toBe(6)
  })
})

const policies = fc
  .record({
    min: fc.integer({ min: 1, max: 50 }),
    range: fc.integer({ min: 0, max: 100 }),
    up: fc.integer({ min: 1, max: 40 }),
    down: fc.integer({ min: 1, max: 40 }),
    cooldownMs: fc.integer({ min: 1, max: 10_000 }),
    waitMs: fc.integer({ min: 0, max: 5000 }),
  })
  .map(({ range, ...rest }) => ({ ...rest, max: rest.min + range }))
const looks = fc.array(
  fc.record({
    ready: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500 })),
    /** Of the slots there are, so many were in use at once. */
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    oldestWaitMs: fc.integer({ min: 0, max: 10_000 }),
    tookWaitMs: fc.integer({ min: 0, max: 10_000 }),
    others: fc.nat({ max: 12 }),
    afterMs: fc.integer({ min: 1, max: 4000 }),
  }),
  { minLength: 1, maxLength: 60 },
)

/** What becomes of a worker whose looks see this. */
function live(policy: AutoscalePolicy, seen: typeof looks extends fc.Arbitrary<infer T> ? T : never) {
  let at = 0
  let concurrency = policy.min
  let state = firstAutoscaleState(0)
  return seen.map(({ share, afterMs, ...load }) => {
    at += afterMs
    const from = concurrency
    const decision = autoscale(
      policy,
      state,
      { ...load, concurrency, peak: Math.round(share * concurrency) },
      at,
    )
    state = decision.state
    concurrency = decision.to ?? concurrency
    return { at, from, to: concurrency, load, reason: decision.reason }
  })
}

test("Workers that could all grow take shares of what waits: all of it, and no more than one each besides", () => {
  fc.assert(
    fc.property(fc.nat({ max: 500 }), fc.integer({ min: 1, max: 40 }), (ready, workers) => {
      const all = workers * shareOf({ ready, others: workers - 1 })
      expect(all).toBeGreaterThanOrEqual(ready)
      expect(all - ready).toBeLessThan(workers)
    }),
  )
})

test.each([
  ["one of three tasks is another's", { ready: 3, others: 1, oldestWaitMs: 1500 }, 10],
  ["the only one may be its own", { ready: 1, others: 9, oldestWaitMs: 1500 }, 9],
  ["a round for each", { ready: 24, others: 2 }, 12],
  ["a round for one, not for each", { ready: 20, others: 2 }, undefined],
] as [string, Partial<Load>, number | undefined][])("beside others: %s", (_, load, to) => {
  expect(autoscale(POLICY, quietSince(now), { ...IDLE, peak: 8, ...load }, now).to).toBe(to)
})

describe("autoscale, whatever is seen", () => {
  const always = (check: (policy: AutoscalePolicy, life: ReturnType<typeof live>) => void) =>
    fc.assert(fc.property(policies, looks, (policy, seen) => check(policy, live(policy, seen))))

  test("Autoscaling never leaves its bounds, and no step is larger than it was told", () => {
    always(({ min, max, up, down }, life) => {
      for (const { from, to } of life) {
        expect(to).toBeGreaterThanOrEqual(min)
        expect(to).toBeLessThanOrEqual(max)
        expect(to - from).toBeLessThanOrEqual(up)
        expect(from - to).toBeLessThanOrEqual(down)
      }
    })
  })

  test("never two steps within the cooldown", () => {
    always(({ cooldownMs }, life) => {
      const steps = life.filter(({ from, to }) => from !== to)
      for (const [n, step] of steps.entries()) {
        const before = steps[n - 1]
        if (before) expect(step.at - before.at).toBeGreaterThanOrEqual(cooldownMs)
      }
    })
  })

  test("never up when nothing waits, never down while something does, and each step says why", () => {
    always((_, life) => {
      for (const { from, to, load, reason } of life) {
        if (to > from) expect(load.ready).toBeGreaterThan(0)
        if (to < from) expect(load.ready).toBe(0)
        expect(reason !== undefined && reason !== "").toBe(to !== from)
      }
    })
  })

  test("under a load that stays it comes to rest", () => {
    fc.assert(
      fc.property(policies, fc.boolean(), (policy, busy) => {
        const look = { oldestWaitMs: 0, tookWaitMs: 0, others: 0, afterMs: 4000 }
        const seen = { ...look, ...(busy ? { ready: 500, share: 1 } : { ready: 0, share: 0 }) }
        const life = live(policy, Array(800).fill(seen))
        expect(life.at(-1)?.to).toBe(busy ? policy.max : policy.min)
      }),
      { numRuns: 30 },
    )
  })
})
