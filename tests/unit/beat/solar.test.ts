import { expect, test } from "bun:test"
import { calendarOf } from "../../../src/core/beat/calendar.ts"
import type { SolarEvent } from "../../../src/core/task/schedule.ts"

const dst = { gap: "run", overlap: "once" } as const
const sun = (event: SolarEvent, latitude: number, longitude: number, offsetMs = 0) =>
  calendarOf({ spec: { kind: "solar", event, latitude, longitude, offsetMs }, timezone: "UTC", dst })

const PLACES = {
  London: [51.5074, -0.1278],
  Greenwich: [51.4779, 0],
  "New York": [40.7128, -74.006],
  Sydney: [-33.8688, 151.2093],
  Quito: [0, -78.5],
  Tromsø: [69.6492, 18.9553],
} as const
const MINUTE = 60_000
const DAY = 1440 * MINUTE

// Almanac times in UTC, to the minute.
test.each([
  ["London", "2025-06-21", "sunrise", "03:43"],
  ["London", "2025-06-21", "sunset", "20:21"],
  ["London", "2025-06-21", "noon", "12:02"],
  ["London", "2025-12-21", "sunrise", "08:04"],
  ["London", "2025-12-21", "sunset", "15:53"],
  ["New York", "2025-06-21", "sunrise", "09:25"],
  ["Sydney", "2025-12-21", "sunset", "09:05"],
  ["Greenwich", "2025-11-03", "noon", "11:43:35"],
  ["Greenwich", "2025-02-11", "noon", "12:14:13"],
] as const)("%s on %s: %s at %s UTC, within two minutes", (place, day, event, time) => {
  const [latitude, longitude] = PLACES[place]
  const almanac = Date.parse(`${day}T${time}Z`)
  const at = sun(event, latitude, longitude).next(almanac - 12 * 60 * MINUTE) as number
  expect(Math.abs(at - almanac)).toBeLessThanOrEqual(2 * MINUTE)
})

test("on the equator the day is seven minutes longer than the night, at every time of the year", () => {
  const [latitude, longitude] = PLACES.Quito
  for (let day = Date.UTC(2025, 0); day < Date.UTC(2026, 0); day += 5 * DAY) {
    const rise = sun("sunrise", latitude, longitude).next(day) as number
    const set = sun("sunset", latitude, longitude).next(rise) as number
    expect(Math.abs((set - rise) / MINUTE - 727)).toBeLessThan(2)
  }
})

test("the five events of a day come in their order, one each a day", () => {
  for (const [latitude, longitude] of Object.values(PLACES).slice(0, 5)) {
    let at = Date.UTC(2025, 0)
    for (let day = 0; day < 365; day++)
      for (const event of ["dawn", "sunrise", "noon", "sunset", "dusk"] as const) {
        const next = sun(event, latitude, longitude).next(at) as number
        expect(next - at).toBeLessThan(DAY + 5 * MINUTE)
        at = next
      }
    expect(Math.abs(at - Date.UTC(2026, 0))).toBeLessThan(1.5 * DAY)
  }
})

test("in the polar night the sun does not rise, but there is noon", () => {
  const [latitude, longitude] = PLACES.Tromsø
  const from = Date.UTC(2025, 11, 1)
  const risen = sun("sunrise", latitude, longitude).next(from) as number
  expect(new Date(risen).toISOString().slice(0, 7)).toBe("2026-01")
  expect((sun("noon", latitude, longitude).next(from) as number) - from).toBeLessThan(DAY)
  const set = sun("sunset", latitude, longitude).next(Date.UTC(2026, 5, 1)) as number
  expect(new Date(set).toISOString().slice(0, 7)).toBe("2026-07")
  expect(sun("sunrise", 90, 0).next(from)).toBeUndefined()
})

test("an offset moves the event, before it or after it, and loses none", () => {
  const [latitude, longitude] = PLACES.London
  const plain = sun("sunset", latitude, longitude).between(Date.UTC(2025, 5), Date.UTC(2025, 6), 99)
  expect(plain).toHaveLength(30)
  for (const offset of [-90 * MINUTE, 45 * MINUTE, 12 * 60 * MINUTE]) {
    const moved = sun("sunset", latitude, longitude, offset)
    expect(moved.between(Date.UTC(2025, 5) + offset, Date.UTC(2025, 6) + offset, 99)).toEqual(
      plain.map((at) => at + offset),
    )
    for (const at of plain) expect(moved.next(at + offset - 1)).toBe(at + offset)
  }
})
