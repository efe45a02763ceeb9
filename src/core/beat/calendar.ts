import type { Millis } from "../kit/clock.ts"
import { offsetAt } from "../kit/zone.ts"
import type { Schedule, ScheduleSpec } from "../task/schedule.ts"
import { cronRule } from "./cron.ts"
import { rruleRule } from "./rrule.ts"
import { nextOfTheSun } from "./solar.ts"
import { nextOnTheClock, type WallRule } from "./wall-clock.ts"

/** What of a schedule says when it fires. */
export type Timetable = Pick<Schedule, "spec" | "timezone" | "startAt" | "endAt" | "dst">

/** The nominal instants of a schedule: a fact of its own, whoever asks and whenever. Jitter is not in them. */
export interface Calendar {
  /** The first instant strictly after `after`; undefined: never again. */
  next(after: Millis): Millis | undefined
  /** The instants after `from`, up to and including `to`, in order; at most `limit`, the earliest. */
  between(from: Millis, to: Millis, limit: number): readonly Millis[]
}

const END_OF_YEARS: Millis = Date.UTC(9990, 0)

/**
 * Reads a schedule's spec. Cron and rrule name times on the clock of the zone; how missing and repeated times are
 * treated stands at `nextOnTheClock`. Throws `invalid_cron`, `invalid_rrule` or `unknown_timezone`.
 */
export function calendarOf(timetable: Timetable): Calendar {
  const { startAt = Number.NEGATIVE_INFINITY, endAt = END_OF_YEARS } = timetable
  const upcoming = nextOf(timetable)
  const next = (after: Millis): Millis | undefined => {
    const from = Math.max(after, startAt - 1)
    const at = from < END_OF_YEARS ? upcoming(from) : undefined
    return at !== undefined && at < endAt ? at : undefined
  }
  return {
    next,
    between(from, to, limit) {
      const found: Millis[] = []
      let at = next(from)
      while (at !== undefined && at <= to && found.length < limit) {
        found.push(at)
        at = next(at)
      }
      return found
    },
  }
}

function nextOf({ spec, timezone, dst, startAt }: Timetable): (after: Millis) => Millis | undefined {
  switch (spec.kind) {
    case "every":
      return (after) => spec.anchor + (Math.floor((after - spec.anchor) / spec.everyMs) + 1) * spec.everyMs
    case "at":
      return (after) => (spec.at > after ? spec.at : undefined)
    case "solar":
      return (after) => nextOfTheSun(spec, after)
    default: {
      const rule = ruleOf(spec, timezone, startAt)
      return (after) => nextOnTheClock(rule, timezone, dst, after)
    }
  }
}

/** The times on the wall that a cron or rrule spec names; undefined for specs that name none. */
export function wallRuleOf({ spec, timezone, startAt }: Timetable): WallRule | undefined {
  return spec.kind === "cron" || spec.kind === "rrule" ? ruleOf(spec, timezone, startAt) : undefined
}

function ruleOf(
  spec: Extract<ScheduleSpec, { kind: "cron" | "rrule" }>,
  zone: string,
  startAt: Millis | undefined,
): WallRule {
  if (spec.kind === "cron") return cronRule(spec.expression)
  return rruleRule(spec.rule, zone, startAt === undefined ? undefined : startAt + offsetAt(zone, startAt))
}
