import { expect, test } from "bun:test"
import { type Oddity, oddities } from "../../../src/core/beat/explain.ts"
import { checkSchedule, lintSchedule } from "../../../src/core/beat/lint.ts"
import { parseSchedule, type ScheduleDraft } from "../../../src/core/task/schedule.ts"

const schedule = (more: Partial<ScheduleDraft>) =>
  parseSchedule({ v: 1, name: "a", task: "b", timezone: "Europe/Berlin", ...more } as ScheduleDraft)
const cron = (expression: string, more: Partial<ScheduleDraft> = {}) =>
  schedule({ spec: { kind: "cron", expression }, ...more })
const in2026 = (expression: string, more: Partial<ScheduleDraft> = {}): readonly Oddity[] =>
  oddities(cron(expression, more), Date.UTC(2026, 0), Date.UTC(2027, 0))
const NOW = Date.UTC(2026, 0)

test.each([
  [
    "30 2 * * *",
    {},
    "moved",
    "On 2026-03-29 clocks in Europe/Berlin go forward from 02:00 to 03:00: 02:30 does not exist; it fires once at 03:00 instead.",
  ],
  [
    "30 2 * * *",
    {},
    "once",
    "On 2026-10-25 clocks in Europe/Berlin go back from 03:00 to 02:00: 02:30 comes twice; the first time fires, the second does not.",
  ],
  ["0,30 2 * * *", { dst: { gap: "skip" } }, "skipped", "02:00, 02:30 do not exist and are skipped."],
  ["0 2 * * *", { dst: { overlap: "twice" } }, "doubled", "02:00 comes twice and fires twice."],
  [
    "*/10 * * * *",
    {},
    "skipped",
    "02:00, 02:10, 02:20 … 02:50 do not exist and are skipped, for the entry follows the clock.",
  ],
  [
    "*/10 * * * *",
    {},
    "doubled",
    "02:00, 02:10, 02:20 … 02:50 come twice and fire twice, for the entry follows the clock.",
  ],
  [
    "* 2 * * *",
    { timezone: "Australia/Lord_Howe" },
    "skipped",
    "go forward from 02:00 to 02:30: 02:00, 02:01, 02:02 … 02:29 do not exist",
  ],
] as const)("%s %j: a change of the clock is told in words (%s)", (expression, more, kind, words) => {
  const found = in2026(expression, more as Partial<ScheduleDraft>).find((oddity) => oddity.kind === kind)
  expect(found?.words).toContain(words)
})

test("entries that no change touches have nothing to tell", () => {
  expect(in2026("30 3 * * *")).toEqual([])
  expect(in2026("30 2 * * 1-5")).toEqual([])
  expect(in2026("30 2 * * *", { timezone: "UTC" })).toEqual([])
  expect(in2026("30 2 * * *", { endAt: Date.UTC(2026, 1) })).toEqual([])
  expect(oddities(schedule({ spec: { kind: "every", everyMs: 1000 } }), NOW, Date.UTC(2027, 0))).toEqual([])
})

test("lint looks two years ahead, at every change", () => {
  expect(lintSchedule(cron("30 2 * * *"), NOW).map(({ code }) => code)).toEqual([
    "moved",
    "once",
    "moved",
    "once",
  ])
  expect(lintSchedule(cron("0 12 * * *"), NOW)).toEqual([])
})

test.each([
  ["0 0 30 2 *", {}, "wrong", "never", "It never fires"],
  ["0 0 29 2 *", { endAt: Date.UTC(2027, 0), startAt: NOW }, "wrong", "never", "It never fires"],
  ["0 0 1 1 *", { endAt: Date.UTC(2025, 6) }, "odd", "over", "It is over"],
  ["0 0 29 2 *", {}, "odd", "rare", "It does not fire within two years: next 2028-02-28T23:00:00.000Z."],
  ["0 25 * * *", {}, "wrong", "bad", "column 3"],
  [
    "*/5 * * * *",
    { jitterMs: 300_000 },
    "wrong",
    "jitter",
    "a jitter of 5m is not smaller than the interval, 5m",
  ],
] as const)("lint of %s %j is %s: %s", (expression, more, level, code, words) => {
  const found = lintSchedule(cron(expression, { timezone: "Europe/Berlin", ...more }), NOW)
  expect(found[0]).toMatchObject({ level, code })
  expect(found[0]?.words).toContain(words)
})

test("a schedule is refused for its jitter, and accepted with less", () => {
  expect(() => checkSchedule(cron("*/5 * * * *", { jitterMs: 300_000 }), NOW)).toThrow("not smaller")
  expect(checkSchedule(cron("*/5 * * * *", { jitterMs: 299_999 }), NOW).next(NOW)).toBe(NOW + 300_000)
  expect(checkSchedule(schedule({ spec: { kind: "at", at: 5 }, jitterMs: 5000 }), 0).next(0)).toBe(5)
})
