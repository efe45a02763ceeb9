import type { ScheduleStore, StoredSchedule } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import { dueInstants } from "./instants.ts"

/**
 * Makes due what waits for an instant that a clock found which was ahead: without that it would be silent until the
 * clock is there again. Its next turn finds its next instant anew. What has fired under the wrong clock stays fired.
 */
export async function recallMisled(schedules: ScheduleStore, now: Millis): Promise<true> {
  const misled = (await schedules.list()).filter((one) => isMisled(one, now))
  if (misled.length > 0) await schedules.recall(misled.map(({ schedule }) => schedule.name))
  return true
}

function isMisled({ schedule, state, paused }: StoredSchedule, now: Millis): boolean {
  if (paused || state.nextAt === undefined || state.nextAt <= now) return false
  try {
    return dueInstants(schedule, state, now).corrected === true
  } catch {
    // It can not be read; the turn that it is due for says so.
    return false
  }
}

/** Takes what is overdue from whoever holds it. Answers whether there was something. */
export async function recallOverdue(schedules: ScheduleStore, now: Millis): Promise<boolean> {
  const overdue = (await schedules.list()).filter(
    ({ state, paused }) => !paused && (state.nextAt ?? now + 1) <= now,
  )
  if (overdue.length > 0) await schedules.recall(overdue.map(({ schedule }) => schedule.name))
  return overdue.length > 0
}
