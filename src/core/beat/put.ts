import type { SchedulePut } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import type { Schedule } from "../task/schedule.ts"
import { checkSchedule } from "./lint.ts"

/**
 * What a store is given of a definition: with everything that decides its instants, and the first one from now on.
 * Throws what `checkSchedule` throws.
 */
export function schedulePut(schedule: Schedule, now: Millis): SchedulePut {
  const { spec, timezone, startAt, endAt, dst } = schedule
  const nextAt = checkSchedule(schedule, now).next(now)
  return {
    schedule,
    cadence: JSON.stringify({ spec, timezone, startAt, endAt, dst }),
    ...(nextAt !== undefined && { nextAt }),
  }
}
