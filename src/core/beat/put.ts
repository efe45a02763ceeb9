import type { SchedulePut } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import type { Schedule } from "../task/schedule.ts"
import { calendarOf } from "./calendar.ts"

/** What a store is given of a definition: with everything that decides its instants, and the first one from now on. */
export function schedulePut(schedule: Schedule, now: Millis): SchedulePut {
  const { spec, timezone, startAt, endAt, dst } = schedule
  const nextAt = calendarOf(schedule).next(now)
  return {
    schedule,
    cadence: JSON.stringify({ spec, timezone, startAt, endAt, dst }),
    ...(nextAt !== undefined && { nextAt }),
  }
}
