import { expect, test } from "bun:test"
import fc from "fast-check"
import { calendarOf } from "../../../src/core/beat/calendar.ts"
import { transitionsBetween } from "../../../src/core/kit/zone.ts"
import { cronAround, policies } from "../../support/cron-expressions.ts"
import { jumps, naiveInstants, shownAt, walk } from "../../support/naive-cron.ts"

const FROM = Date.UTC(2020, 0)
const TO = Date.UTC(2041, 0)
const HOUR = 3_600_000

/** One zone of those that show the same offset every fortnight; zones without a change are left out. */
function differing(): readonly string[] {
  const found = new Map<string, string>()
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" })
    const offsets: string[] = []
    for (let at = FROM; at < TO; at += 14 * 24 * HOUR) offsets.push(format.format(at).split("GMT")[1] ?? "")
    if (new Set(offsets).size > 1 && !found.has(offsets.join())) found.set(offsets.join(), zone)
  }
  return [...found.values()]
}

const changing = differing().map((zone) => ({ zone, at: jumps(zone, FROM, TO) }))

test("a zone's changes are all found, at their instants, from 2020 to 2040", () => {
  expect(changing.length).toBeGreaterThan(30)
  for (const { zone, at } of changing)
    expect({ zone, at: transitionsBetween(zone, FROM, TO).map((change) => change.at) }).toEqual({ zone, at })
})

/** Whether the calendar and the walker name the same instants for random expressions and policies. */
function agree(
  zone: string,
  from: number,
  to: number,
  stepMs: number,
  around: number,
  numRuns: number,
): void {
  const steps = walk(zone, from - (around > 12 ? 30 : 4) * HOUR, to, stepMs)
  const hour = shownAt(zone, (from + to) / 2).hour
  const hours = { min: Math.max(0, hour - around), max: Math.min(23, hour + around) }
  fc.assert(
    fc.property(cronAround(hours), policies, ({ text, naive }, dst) => {
      const spec = { kind: "cron", expression: text } as const
      const found = calendarOf({ spec, timezone: zone, dst }).between(from, to, 10_000)
      expect({ zone, text, dst, found }).toEqual({
        zone,
        text,
        dst,
        found: naiveInstants(steps, naive, dst, from),
      })
    }),
    { numRuns },
  )
}

test("around every change of every zone a cron entry fires exactly as a walk over the clock says", () => {
  let count = 0
  for (const { zone, at } of changing)
    for (const change of at) {
      agree(zone, change - 5 * HOUR, change + 5 * HOUR, 60_000, 3, 10)
      count += 1
    }
  expect(count).toBeGreaterThan(1000)
}, 60_000)

test.each([
  ["Pacific/Apia left out 30 December 2011", "Pacific/Apia", "2011-12-30T10:00:00Z", 60_000],
  ["Kwajalein left out 21 August 1993", "Pacific/Kwajalein", "1993-08-21T12:00:00Z", 60_000],
  ["Kathmandu went on by a quarter of an hour", "Asia/Kathmandu", "1985-12-31T18:30:00Z", 60_000],
  ["Caracas went back by half an hour", "America/Caracas", "2007-12-09T07:00:00Z", 60_000],
  ["Pyongyang went back by half an hour", "Asia/Pyongyang", "2015-08-14T15:00:00Z", 60_000],
  ["Singapore went on by half an hour", "Asia/Singapore", "1981-12-31T16:00:00Z", 60_000],
  ["Monrovia was 44 minutes and 30 seconds behind", "Africa/Monrovia", "1972-01-07T00:44:30Z", 30_000],
  ["Troll goes on by two hours", "Antarctica/Troll", "2026-03-29T01:00:00Z", 60_000],
])("%s", (_title, zone, at, stepMs) => {
  expect(jumps(zone, Date.parse(at) - 24 * HOUR, Date.parse(at) + 24 * HOUR).length).toBeGreaterThan(0)
  agree(zone, Date.parse(at) - 30 * HOUR, Date.parse(at) + 30 * HOUR, stepMs, 24, 200)
})

test("the clock may also be looked at by the second", () => {
  for (const [zone, at] of [
    ["Australia/Lord_Howe", "2026-10-03T15:30:00Z"],
    ["Europe/Berlin", "2026-10-25T01:00:00Z"],
  ] as const) {
    const [from, to] = [Date.parse(at) - 2 * HOUR, Date.parse(at) + HOUR]
    const steps = walk(zone, from - 3 * HOUR, to, 1000)
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 59 }),
        cronAround({ min: 0, max: 4 }),
        policies,
        (second, cron, dst) => {
          const spec = { kind: "cron", expression: `${second} ${cron.text}` } as const
          const { follows, matches } = cron.naive
          const naive = {
            follows,
            matches: (shown: Parameters<typeof matches>[0]) =>
              shown.second === second && matches({ ...shown, second: 0 }),
          }
          const found = calendarOf({ spec, timezone: zone, dst }).between(from, to, 10_000)
          expect({ ...spec, dst, found }).toEqual({
            ...spec,
            dst,
            found: naiveInstants(steps, naive, dst, from),
          })
        },
      ),
      { numRuns: 30 },
    )
  }
})
