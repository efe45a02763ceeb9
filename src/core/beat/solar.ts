import * as suncalc from "suncalc"
import type { Millis } from "../kit/clock.ts"
import type { ScheduleSpec, SolarEvent } from "../task/schedule.ts"

const DAY: Millis = 86_400_000
const LONGEST_NIGHT = 400

const NAMES = {
  dawn: "dawn",
  sunrise: "sunrise",
  noon: "solarNoon",
  sunset: "sunset",
  dusk: "dusk",
} as const satisfies Record<SolarEvent, string>

/**
 * The first instant strictly after `after` of an event of the sun at a place, moved by its offset; one for each solar
 * day of the place, none on a day of polar day or night. Sunrise and sunset are those of the sun's upper edge at sea
 * level with the usual refraction (0.833 degrees), dawn and dusk civil (6 degrees), noon the sun's highest. Undefined
 * when it does not happen for more than a year.
 */
export function nextOfTheSun(
  spec: Extract<ScheduleSpec, { kind: "solar" }>,
  after: Millis,
): Millis | undefined {
  const { latitude, longitude, event, offsetMs } = spec
  // Noon of the mean sun: each of them lies in a solar day of its own, which is what the almanac is asked by.
  const noon = (day: number) => (day + 0.5 - longitude / 360) * DAY
  const first = Math.floor((after - offsetMs) / DAY + longitude / 360) - 1
  for (let day = first; day < first + LONGEST_NIGHT; day++) {
    const at = suncalc.getTimes(new Date(noon(day)), latitude, longitude)[NAMES[event]]
    // Whole seconds: the formulas know no more, and machines may differ in the last digits.
    const due = at && Math.round(at.getTime() / 1000) * 1000 + offsetMs
    if (due && due > after) return due
  }
  return undefined
}
