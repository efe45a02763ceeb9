import type { ScheduleStore, StoredSchedule } from "../../core/contracts/schedules.ts"
import { closest } from "../../core/kit/closest.ts"
import { StemError } from "../../core/kit/errors.ts"

/** The schedule of this name. Throws `unknown_schedule`, telling which was probably meant. */
export async function findSchedule(schedules: ScheduleStore, name: string): Promise<StoredSchedule> {
  const [found] = await schedules.get([name])
  if (found) return found
  throw await unknownSchedule(schedules, name)
}

export async function unknownSchedule(schedules: ScheduleStore, name: string): Promise<StemError> {
  const names = (await schedules.list()).map(({ schedule }) => schedule.name)
  const meant = closest(name, names)
  return new StemError("missing", "unknown_schedule", `no schedule is named ${name}`, {
    hint: meant ? `Did you mean ${meant}?` : "See stem schedule list.",
  })
}
