import type { Millis } from "../kit/clock.ts"
import { formatDuration } from "../kit/duration.ts"
import { invalid, StemError } from "../kit/errors.ts"
import { formatInstant } from "../kit/instant.ts"
import type { Schedule } from "../task/schedule.ts"
import { type Calendar, calendarOf } from "./calendar.ts"
import { oddities } from "./explain.ts"

/** What is, or may be, wrong with a schedule. `wrong` ones can not be meant; `odd` ones should be known. */
export interface Finding {
  readonly level: "wrong" | "odd"
  readonly code: "bad" | "never" | "over" | "rare" | "jitter" | "skipped" | "moved" | "doubled" | "once"
  readonly at?: Millis | undefined
  readonly words: string
  readonly hint?: string | undefined
}

/** How far lint looks ahead: two years. */
export const LOOKED_AHEAD_MS: Millis = 2 * 366 * 86_400_000

const COMPARED = 500

/**
 * Reads what `parseSchedule` does not: throws `invalid_cron`, `invalid_rrule`, or `invalid_jitter` when the jitter is
 * not smaller than the shortest interval of the next 500 firings.
 */
export function checkSchedule(schedule: Schedule, now: Millis): Calendar {
  const calendar = calendarOf(schedule)
  const { name, jitterMs } = schedule
  const shortest = jitterMs ? shortestInterval(calendar, now) : undefined
  if (jitterMs === undefined || shortest === undefined || jitterMs < shortest) return calendar
  throw invalid(
    "invalid_jitter",
    `schedule "${name}": a jitter of ${formatDuration(jitterMs)} is not smaller than the interval, ${formatDuration(shortest)}`,
    "Firings would overtake each other: make it smaller.",
  )
}

function shortestInterval(calendar: Calendar, now: Millis): Millis | undefined {
  const some = calendar.between(now, now + LOOKED_AHEAD_MS, COMPARED)
  const gaps = some.slice(1).map((at, index) => at - (some[index] as Millis))
  return gaps.length ? Math.min(...gaps) : undefined
}

/** Everything worth knowing of a schedule in the two years after `now`; empty when nothing is. Throws nothing. */
export function lintSchedule(schedule: Schedule, now: Millis): readonly Finding[] {
  try {
    const calendar = checkSchedule(schedule, now)
    return [...firingsOf(schedule, calendar, now), ...changesOf(schedule, now)]
  } catch (error) {
    if (!(error instanceof StemError)) throw error
    const code = error.code === "invalid_jitter" ? "jitter" : "bad"
    return [{ level: "wrong", code, words: error.message, hint: error.hint }]
  }
}

function firingsOf({ endAt }: Schedule, calendar: Calendar, now: Millis): readonly Finding[] {
  const at = calendar.next(now)
  if (at !== undefined && at <= now + LOOKED_AHEAD_MS) return []
  if (at !== undefined)
    return [
      {
        level: "odd",
        code: "rare",
        at,
        words: `It does not fire within two years: next ${formatInstant(at)}.`,
      },
    ]
  const last = calendar.next(Math.min(0, now))
  if (last !== undefined)
    return [{ level: "odd", code: "over", words: "It is over: it will not fire again." }]
  return [
    {
      level: "wrong",
      code: "never",
      words: "It never fires: there is no such time.",
      hint:
        endAt === undefined
          ? "Look at the day and the month."
          : "Look at the day, the month, the start and the end.",
    },
  ]
}

const changesOf = (schedule: Schedule, now: Millis): readonly Finding[] =>
  oddities(schedule, now, now + LOOKED_AHEAD_MS).map(({ at, kind, words }) => ({
    level: "odd",
    code: kind,
    at,
    words,
  }))
