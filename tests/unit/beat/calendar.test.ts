import { expect, test } from "bun:test"
import fc from "fast-check"
import { rrulestr } from "rrule"
import { calendarOf, type Timetable } from "../../../src/core/beat/calendar.ts"
import { jitter } from "../../../src/core/beat/jitter.ts"
import type { ScheduleSpec } from "../../../src/core/task/schedule.ts"

const dst = { gap: "run", overlap: "once" } as const
const at = (text: string) => Date.parse(text.length > 10 ? `${text}Z` : text)

/** The first instants after a day's midnight, as `01-05T00:00`, in the zone's offset being UTC. */
function instants(spec: ScheduleSpec, from: string, count: number, more: Partial<Timetable> = {}): string[] {
  const calendar = calendarOf({ spec, timezone: "UTC", dst, ...more })
  return calendar
    .between(at(from) - 1, at("9000-01-01"), count)
    .map((ms) => new Date(ms).toISOString().slice(0, 16))
}
const cron = (expression: string, from: string, count: number, timezone = "UTC") =>
  instants({ kind: "cron", expression }, from, count, { timezone })

test.each([
  ["@yearly", ["2027-01-01T00:00", "2028-01-01T00:00"]],
  ["@annually", ["2027-01-01T00:00"]],
  ["@monthly", ["2026-07-01T00:00", "2026-08-01T00:00"]],
  ["@weekly", ["2026-06-07T00:00"]],
  ["@daily", ["2026-06-03T00:00"]],
  ["@Midnight", ["2026-06-03T00:00"]],
  ["@hourly", ["2026-06-02T13:00", "2026-06-02T14:00"]],
  ["5 4 * * sun", ["2026-06-07T04:05"]],
  ["5 4 * * 7", ["2026-06-07T04:05"]],
  ["0 0 * * SAT-SUN", ["2026-06-06T00:00", "2026-06-07T00:00", "2026-06-13T00:00"]],
  ["0 0 1 JAN,mar-apr *", ["2027-01-01T00:00", "2027-03-01T00:00", "2027-04-01T00:00"]],
  ["10/20 13 * * *", ["2026-06-02T13:10", "2026-06-02T13:30", "2026-06-02T13:50", "2026-06-03T13:10"]],
  ["30 15 10 * * *", ["2026-06-03T10:15"]],
  ["0 0 ? * 1", ["2026-06-08T00:00"]],
  ["0 0 L * *", ["2026-06-30T00:00", "2026-07-31T00:00"]],
  ["0 0 L-2 * ?", ["2026-06-28T00:00", "2026-07-29T00:00"]],
  [
    "0 0 LW * *",
    ["2026-06-30T00:00", "2026-07-31T00:00", "2026-08-31T00:00", "2026-09-30T00:00", "2026-10-30T00:00"],
  ],
  ["0 0 1W 8 *", ["2026-08-03T00:00", "2027-08-02T00:00"]],
  ["0 0 31W * *", ["2026-07-31T00:00", "2026-08-31T00:00", "2026-10-30T00:00", "2026-12-31T00:00"]],
  ["0 0 * * 5L", ["2026-06-26T00:00", "2026-07-31T00:00"]],
  ["0 0 * * fri#2,1#1", ["2026-06-12T00:00", "2026-07-06T00:00", "2026-07-10T00:00"]],
  ["0 0 * * 1#5", ["2026-06-29T00:00", "2026-08-31T00:00"]],
  ["0 0 13 * 5", ["2026-06-05T00:00", "2026-06-12T00:00", "2026-06-13T00:00"]],
  ["0 0 */2 * 1", ["2026-06-15T00:00", "2026-06-29T00:00"]],
  ["0 0 13 * */5", ["2026-09-13T00:00", "2026-11-13T00:00"]],
  ["0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00"]],
])("cron %s", (expression, expected) => {
  expect(cron(expression, "2026-06-02T12:30", expected.length)).toEqual(expected)
})

test("a 29 February that is a Monday is found, however far, and a 30 February never", () => {
  expect(cron("0 0 29 2 */8", "2026-01-01", 1)).toEqual(["2032-02-29T00:00"])
  expect(cron("0 0 30 2 *", "2026-01-01", 1, "Europe/Berlin")).toEqual([])
  expect(cron("0 0 31 4,6,9,11 *", "2026-01-01", 1)).toEqual([])
})

test.each([
  ["0 25 * * *", 'cron "0 25 * * *", column 3: "25" is not an hour (0 to 23)', undefined],
  ["0 24 * * *", "column 3", "Did you mean 0? 23 is the last."],
  ["90 * * * *", "column 1", "every 90m"],
  ["12:30 * * * *", "column 1", "12:30 is 30 12"],
  ["0 0 * janury *", 'column 7: "janury" is not a month', "Did you mean jan?"],
  ["0 0 * * mo", 'column 9: "mo" is not a day of the week', "Did you mean mon?"],
  ["0 22-2 * * *", 'column 3: "22-2" runs backwards', "22-23,0-2"],
  ["0 0 0 * *", "is not a day of the month", "Days begin with 1"],
  ["*/0 * * * *", "has a step", "*/5"],
  ["1-2-3 * * * *", "is not a range", "1-5"],
  ["1/2/3 * * * *", "more than one step", undefined],
  ["1,,2 * * * *", "column 3", undefined],
  ["? * * * *", "column 1", "write *"],
  ["0 0 * * L", "column 9", "5L"],
  ["0 0 L-31 * *", "column 5", "L-1 to L-30"],
  ["0 0 * * 5#6", "column 9", "5#2"],
  ["0 L * * *", "column 3", "day of the month"],
  ["H * * * *", "column 1", "jitter"],
  ["0~30 * * * *", "column 1", "jitter"],
  ["* * * *", "has 4 fields, not five or six", "minute, hour"],
  ["0 0 0 1 1 ? 2027", "has 7 fields", "a start and an end"],
  ["", "has 0 fields", "minute"],
  ["@reboot", "@reboot is not a time", "after boot"],
  ["@dialy", '"@dialy" is not known', "Did you mean @daily?"],
  ["@every 5m", "is not cron", "every 5m"],
])("cron %j is refused with the place and what was meant", (expression, message, hint) => {
  const read = () => calendarOf({ spec: { kind: "cron", expression }, timezone: "UTC", dst })
  expect(read).toThrow(expect.objectContaining({ kind: "invalid", code: "invalid_cron" }))
  expect(read).toThrow(message)
  if (hint) expect(read).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }))
})

test("every keeps to its anchor, whenever and how often it is asked", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 1e9 }), fc.nat(2e12), fc.nat(2e12), (everyMs, anchor, after) => {
      const next = calendarOf({ spec: { kind: "every", everyMs, anchor }, timezone: "UTC", dst }).next(
        after,
      ) as number
      expect(next).toBeGreaterThan(after)
      expect(next).toBeLessThanOrEqual(after + everyMs)
      expect(Math.abs(next - anchor) % everyMs).toBe(0)
    }),
  )
})

test("at is once, and never after it", () => {
  const calendar = calendarOf({ spec: { kind: "at", at: 5000 }, timezone: "UTC", dst })
  expect([calendar.next(0), calendar.next(4999), calendar.next(5000)]).toEqual([5000, 5000, undefined])
})

test("nothing is due before the start, or at or after the end", () => {
  const spec = { kind: "every", everyMs: 1000, anchor: 0 } as const
  const calendar = calendarOf({ spec, timezone: "UTC", dst, startAt: 3000, endAt: 6000 })
  expect(calendar.between(0, 10_000, 9)).toEqual([3000, 4000, 5000])
  expect(calendar.between(3000, 4000, 9)).toEqual([4000])
  expect(calendar.between(0, 10_000, 2)).toEqual([3000, 4000])
})

const rrule = (rule: string, from: string, count: number, more: Partial<Timetable> = {}) =>
  instants({ kind: "rrule", rule }, from, count, more)

test("a rule's times are those of the schedule's zone, and in the missing hour at the end of it", () => {
  expect(rrule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-03-28", 3, { timezone: "Europe/Berlin" })).toEqual([
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ])
})

test("lines with DTSTART, RDATE and EXDATE are one rule", () => {
  const rule =
    "DTSTART:20260101T090000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260102T090000\nRDATE:20260110T120000"
  expect(rrule(rule, "2026-01-01", 9)).toEqual([
    "2026-01-01T09:00",
    "2026-01-03T09:00",
    "2026-01-04T09:00",
    "2026-01-10T12:00",
  ])
})

test("UNTIL with Z is an instant, without it a time of the zone, and a date includes its day", () => {
  const timezone = "Asia/Tokyo"
  const until = (text: string) =>
    rrule(`FREQ=DAILY;BYHOUR=6;UNTIL=${text}`, "2026-01-01", 9, { timezone }).length
  expect([until("20260103T210000Z"), until("20260103T210000"), until("20260103")]).toEqual([3, 2, 2])
})

test("impossible rules never fire, and are found out at once", () => {
  for (const rule of [
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "DTSTART:20260101T000000\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
    "DTSTART:20260101T000000\nRRULE:FREQ=DAILY;BYSETPOS=2",
  ])
    expect({ rule, found: rrule(rule, "2026-01-01", 1) }).toEqual({ rule, found: [] })
})

test.each([
  ["FREQ=DALY", "column 1", "Did you mean DAILY?"],
  ["FREQ=DAILY;BYHUOR=3", "column 12", "Did you mean BYHOUR?"],
  ["FREQ=DAILY;BYHOUR=24", "column 12", "0 to 23"],
  ["FREQ=WEEKLY", "counts from a beginning", "DTSTART"],
  ["FREQ=DAILY;INTERVAL=2", "counts from a beginning", "DTSTART"],
  ["BYDAY=MO", "FREQ is missing", "FREQ"],
  ["FREQ=DAILY;BYDAY=2MO", "column 12", undefined],
  ["FREQ=DAILY;UNTIL=20260231", "is not a time", undefined],
  ["FREQ=DAILY;FREQ=WEEKLY", "stands twice", undefined],
  ["DTSTART;TZID=Asia/Tokyo:20260101T000000\nFREQ=DAILY", "TZID is Asia/Tokyo", "time zone Asia/Tokyo"],
  ["EXRULE:FREQ=DAILY", '"EXRULE" is not known', "EXDATE"],
  ["", "there is no RRULE", undefined],
])("rule %j is refused with the place and what was meant", (rule, message, hint) => {
  const read = () => calendarOf({ spec: { kind: "rrule", rule }, timezone: "UTC", dst })
  expect(read).toThrow(expect.objectContaining({ kind: "invalid", code: "invalid_rrule" }))
  expect(read).toThrow(message)
  if (hint) expect(read).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }))
})

test("a rule read from near says the same as a walk from its start", () => {
  const list = (min: number, max: number) => fc.uniqueArray(fc.integer({ min, max }), { maxLength: 3 })
  const rules = fc.record({
    freq: fc.constantFrom("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"),
    interval: fc.integer({ min: 1, max: 5 }),
    byhour: list(0, 23),
    bymonth: list(1, 12),
    byday: fc.uniqueArray(fc.constantFrom("MO", "TU", "WE", "TH", "FR", "SA", "SU"), { maxLength: 4 }),
    wkst: fc.constantFrom("MO", "SU"),
    start: fc.integer({ min: at("2020-01-01"), max: at("2020-01-29") }),
    after: fc.integer({ min: at("2020-01-01"), max: at("2023-01-01") }),
  })
  fc.assert(
    fc.property(rules, ({ freq, interval, byhour, bymonth, byday, wkst, start, after }) => {
      fc.pre(freq !== "HOURLY" || byhour.length === 0)
      // The walk would go on to the year 9999 for a month that is never met.
      fc.pre(freq !== "MONTHLY" || bymonth.length === 0 || interval % 5 === 1)
      const time = new Date(start).toISOString().slice(0, 19).replace(/[-:]/g, "")
      const parts = Object.entries({ BYHOUR: byhour, BYMONTH: bymonth, BYDAY: byday })
        .filter(([, values]) => values.length > 0)
        .map(([key, values]) => `;${key}=${values.join(",")}`)
      const rule = `DTSTART:${time}\nRRULE:FREQ=${freq};INTERVAL=${interval};WKST=${wkst}${parts.join("")}`
      const walked = rrulestr(`DTSTART:${time}Z\n${rule.split("\n")[1]}`).after(new Date(after))
      const next = calendarOf({ spec: { kind: "rrule", rule }, timezone: "UTC", dst }).next(after)
      expect({ rule, after, next }).toEqual({ rule, after, next: walked?.getTime() })
    }),
    { numRuns: 200 },
  )
})

test("jitter is the same whenever it is asked, below its bound, and evenly spread", () => {
  const values = Array.from({ length: 4000 }, (_, n) => jitter({ name: "a", jitterMs: 1000 }, n * 60_000))
  expect(values).toEqual(values.map((_, n) => jitter({ name: "a", jitterMs: 1000 }, n * 60_000)))
  expect(values.every((value) => Number.isInteger(value) && value >= 0 && value < 1000)).toBe(true)
  for (let tenth = 0; tenth < 10; tenth++) {
    const inside = values.filter((value) => Math.floor(value / 100) === tenth).length
    expect(inside).toBeWithin(320, 480)
  }
  expect(jitter({ name: "a", jitterMs: 1000 }, 60_000)).toBe(values[1] as number)
  expect(jitter({ name: "a" }, 60_000)).toBe(0)
  expect(jitter({ name: "b", jitterMs: 1e9 }, 0)).not.toBe(jitter({ name: "a", jitterMs: 1e9 }, 0))
})
