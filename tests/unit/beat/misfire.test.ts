import { expect, test } from "bun:test"
import fc from "fast-check"
import { calendarOf } from "../../../src/core/beat/calendar.ts"
import { LATE_MS, type Plan, planFirings } from "../../../src/core/beat/misfire.ts"

const dst = { gap: "run", overlap: "once" } as const
const HOUR = 3_600_000
const every = (everyMs: number) =>
  calendarOf({ spec: { kind: "every", everyMs, anchor: 0 }, timezone: "UTC", dst })
const hourly = every(HOUR)
const misfire = (policy: "skip" | "last" | "all", hours = 24, max = 100) => ({
  policy,
  windowMs: hours * HOUR,
  max,
})

/** What an hourly schedule that last fired at 9:59 o'clock (hour 9, next 10) does at `now`, in hours. */
const atHour = (now: number, policy: ReturnType<typeof misfire>): Plan =>
  planFirings(hourly, { nextNominal: 10 * HOUR, lastNominal: 9 * HOUR, misfire: policy }, now * HOUR)

const hours = ({ fire, passed, nextNominal, clock }: Plan) => ({
  fire: fire.map((at) => at / HOUR),
  passed: passed.map(({ from, to, count, reason }) => `${from / HOUR}-${to / HOUR} ${count} ${reason}`),
  next: nextNominal && nextNominal / HOUR,
  ...(clock && { clock }),
})

test.each([
  ["before its time nothing is done", 9.9, misfire("all"), [], [], 10],
  ["at its time it fires", 10, misfire("skip"), [10], [], 11],
  [
    "within a minute it is late, and fires whatever the policy",
    10 + 1 / 60,
    misfire("skip", 0),
    [10],
    [],
    11,
  ],
  ["skip passes over what was missed", 13.5, misfire("skip"), [], ["10-13 4 policy"], 14],
  ["skip still fires what is due now", 13, misfire("skip"), [13], ["10-12 3 policy"], 14],
  ["last makes up for one", 13.5, misfire("last"), [13], ["10-12 3 superseded"], 14],
  ["last is content with what is due now", 13, misfire("last"), [13], ["10-12 3 superseded"], 14],
  ["all makes up for all", 13.5, misfire("all"), [10, 11, 12, 13], [], 14],
  ["all is bounded, the newest count", 13.5, misfire("all", 24, 2), [12, 13], ["10-11 2 over-max"], 14],
  ["nothing older than the window", 13.5, misfire("all", 2), [12, 13], ["10-11 2 too-old"], 14],
  ["nothing at all within the window", 13.5, misfire("last", 0.25), [], ["10-13 4 too-old"], 14],
  ["a window of nothing makes up for nothing", 10.5, misfire("all", 0), [], ["10-10 1 too-old"], 11],
] as const)("%s", (_title, now, policy, fire, passed, next) => {
  expect(hours(atHour(now, policy))).toEqual({ fire: [...fire], passed: [...passed], next })
})

test("a clock put back by up to three hours is waited for", () => {
  expect(hours(atHour(7, misfire("all")))).toEqual({ fire: [], passed: [], next: 10, clock: "waiting" })
})

test("a clock put back by more was wrong before, and counts at once", () => {
  expect(hours(atHour(5.5, misfire("all")))).toEqual({ fire: [], passed: [], next: 6, clock: "corrected" })
})

test("a clock put forward by a year passes over what lies between, uncounted when it is too much", () => {
  const year = 8760 * HOUR
  const second = every(1000)
  const plan = planFirings(second, { nextNominal: 1000, misfire: misfire("last", 1) }, year + 500)
  expect(plan.fire).toHaveLength(60)
  expect(plan.passed).toEqual([
    { from: 1000, to: year - HOUR, reason: "too-old" },
    { from: year - HOUR + 1000, to: year - 60_000, count: 3540, reason: "superseded" },
  ])
  expect(plan.nextNominal).toBe(year + 1000)
})

test("a schedule that is over has no next", () => {
  const once = calendarOf({ spec: { kind: "at", at: 5 * HOUR }, timezone: "UTC", dst })
  const plan = planFirings(once, { nextNominal: 5 * HOUR, misfire: misfire("last") }, 5.5 * HOUR)
  expect(plan).toEqual({ fire: [5 * HOUR], passed: [], nextNominal: undefined })
})

test("however often and late it is asked, every instant is fired or passed over, once and in order", () => {
  const asks = fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 1, maxLength: 30 })
  const policies = fc.record({
    policy: fc.constantFrom("skip" as const, "last" as const, "all" as const),
    windowMs: fc.integer({ min: 0, max: 400_000 }),
    max: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(asks, policies, fc.constantFrom(1000, 7000, 60_000), (gaps, policy, everyMs) => {
      const calendar = every(everyMs)
      const decided: number[] = []
      let now = 0
      let nextNominal: number = everyMs
      let lastNominal = 0
      for (const gap of gaps) {
        now += gap
        const plan = planFirings(calendar, { nextNominal, lastNominal, misfire: policy }, now)
        const passed = plan.passed.flatMap(({ from, to }) => calendar.between(from - 1, to, 1e6))
        const all = [...passed, ...plan.fire].sort((a, b) => a - b)
        expect(plan.fire.every((at) => now - at <= Math.max(LATE_MS, policy.windowMs))).toBe(true)
        expect(passed.every((at) => now - at > LATE_MS)).toBe(true)
        decided.push(...all)
        lastNominal = all.at(-1) ?? lastNominal
        nextNominal = plan.nextNominal as number
      }
      expect(decided).toEqual([...calendar.between(0, now, 1e6)])
    }),
    { numRuns: 200 },
  )
})
