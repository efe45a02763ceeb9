import type { ScheduleState } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import { formatInstant } from "../kit/instant.ts"
import type { Schedule } from "../task/schedule.ts"
import { calendarOf } from "./calendar.ts"
import type { DueInstants } from "./decide.ts"
import { type Passed, planFirings } from "./misfire.ts"

/** The instants that have come since the last turn, sorted by the schedule's misfire policy. */
export function dueInstants(schedule: Schedule, { nextAt, lastAt }: ScheduleState, now: Millis): DueInstants {
  if (nextAt === undefined) return { fire: [], skip: [] }
  const standing = { nextNominal: nextAt, lastNominal: lastAt, misfire: schedule.misfire }
  const { fire, passed, nextNominal, clock } = planFirings(calendarOf(schedule), standing, now)
  const skip = passed.map((range) => ({ nominalAt: range.to, reason: sentenceOf(range) }))
  return { fire, skip, nextAt: nextNominal, ...(clock === "corrected" && { corrected: true }) }
}

const REASONS: Record<Passed["reason"], string> = {
  policy: "missed, and the misfire policy is skip",
  superseded: "missed, and a later one stands for it",
  "over-max": "missed, and more were missed than are made up for",
  "too-old": "missed by more than the misfire window",
}

function sentenceOf({ from, to, count, reason }: Passed): string {
  if (from === to) return REASONS[reason]
  return `${REASONS[reason]}: ${count ?? "very many"} instants from ${formatInstant(from)} on`
}
