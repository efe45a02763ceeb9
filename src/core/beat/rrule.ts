import { Frequency, type Options, RRule } from "rrule"
import { invalid } from "../kit/errors.ts"
import type { Wall } from "../kit/zone.ts"
import { parseRules, type Rule } from "./rrule-text.ts"
import type { WallRule } from "./wall-clock.ts"

const DAY = 86_400_000
const SECONDS: Readonly<Record<number, number>> = {
  [Frequency.HOURLY]: 3600,
  [Frequency.MINUTELY]: 60,
  [Frequency.SECONDLY]: 1,
}

type Read = Partial<Options> & { freq: Frequency; interval: number; dtstart: Date }

/**
 * Reads recurrence rules of RFC 5545 as wall times of a zone. They count from DTSTART, or else from `start`, or else
 * from midnight of 1 January 1970, if that makes no difference to the days. Rules by the hour, minute or second follow
 * the clock. Throws `invalid_rrule`.
 */
export function rruleRule(text: string, zone: string, start: Wall | undefined): WallRule {
  const set = parseRules(text, zone)
  const from = set.start ?? (start === undefined ? undefined : Math.ceil(start / 1000) * 1000)
  const series = set.rules.map((rule) => seriesOf(rule, from, text))
  const follows = set.rules.some(({ parts }) => /^(HOUR|MINUTE|SECOND)LY$/.test(parts.get("FREQ") ?? ""))
  const earliest = (low: Wall) => {
    const walls = [...series.map((next) => next(low)), set.added.find((wall) => wall >= low)]
    return walls.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)
  }
  return {
    follows,
    atOrAfter(low) {
      let wall = earliest(low)
      while (wall !== undefined && set.left.has(wall)) wall = earliest(wall + 1)
      return wall
    },
  }
}

type Series = (low: Wall) => Wall | undefined

function seriesOf({ parts, until }: Rule, start: Wall | undefined, text: string): Series {
  if (start === undefined && needsStart(parts))
    throw invalid(
      "invalid_rrule",
      `rrule "${text}" counts from a beginning it does not have`,
      "Give the schedule a start, or the rule a line such as DTSTART:20260101T090000.",
    )
  const given = RRule.parseString([...parts].map(([key, value]) => `${key}=${value}`).join(";"))
  const rule = explicit({
    ...given,
    freq: given.freq as Frequency,
    interval: given.interval ?? 1,
    dtstart: new Date(start ?? 0),
  })
  if (!canHappen(rule)) return () => undefined
  const last = until ?? Number.POSITIVE_INFINITY
  const bounded = (wall: Wall | undefined) => (wall !== undefined && wall <= last ? wall : undefined)
  if (rule.count) {
    const walls = new RRule(rule).all().map(Number)
    return (low) => bounded(walls.find((wall) => wall >= low))
  }
  return (low) => bounded(new RRule(movedNear(rule, low)).after(new Date(low), true)?.getTime())
}

const DAYS = ["BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"]

function needsStart(parts: ReadonlyMap<string, string>): boolean {
  if (parts.has("COUNT") || Number(parts.get("INTERVAL") ?? 1) > 1) return true
  return /^(YEAR|MONTH|WEEK)LY$/.test(parts.get("FREQ") ?? "") && !DAYS.some((day) => parts.has(day))
}

/** With everything said that RFC 5545 takes from the start, so that the start may be moved. */
function explicit(rule: Read): Read {
  const { freq, dtstart: at } = rule
  const days = [rule.byweekday, rule.bymonthday, rule.byyearday, rule.byweekno].every((days) => days == null)
  return {
    ...rule,
    ...(days && freq === Frequency.YEARLY && { bymonth: rule.bymonth ?? at.getUTCMonth() + 1 }),
    ...(days && freq <= Frequency.MONTHLY && { bymonthday: at.getUTCDate() }),
    ...(days && freq === Frequency.WEEKLY && { byweekday: (at.getUTCDay() + 6) % 7 }),
    ...(freq < Frequency.HOURLY && { byhour: rule.byhour ?? at.getUTCHours() }),
    ...(freq < Frequency.MINUTELY && { byminute: rule.byminute ?? at.getUTCMinutes() }),
    ...(freq < Frequency.SECONDLY && { bysecond: rule.bysecond ?? at.getUTCSeconds() }),
  }
}

/** The same rule from a later start that is a whole number of intervals away, so that reading it takes no walk. */
function movedNear(rule: Read, low: Wall): Read {
  const { freq, interval, dtstart: at } = rule
  const years = new Date(low).getUTCFullYear() - at.getUTCFullYear()
  const months = years * 12 + new Date(low).getUTCMonth() - at.getUTCMonth()
  const steps = (size: number, distance: number) =>
    Math.floor(distance / (interval * size)) * interval - interval
  const time = at.getTime() % DAY
  if (freq === Frequency.YEARLY || freq === Frequency.MONTHLY) {
    const moved = freq === Frequency.YEARLY ? 12 * steps(1, years) : steps(1, months)
    if (moved <= 0) return rule
    const month = at.getUTCMonth() + moved
    const first = Date.UTC(at.getUTCFullYear(), freq === Frequency.YEARLY ? moved : month, 1)
    return { ...rule, dtstart: new Date(first + time) }
  }
  const unit =
    freq === Frequency.WEEKLY ? 7 * DAY : freq === Frequency.DAILY ? DAY : (SECONDS[freq] ?? 1) * 1000
  const moved = steps(unit, low - at.getTime())
  return moved <= 0 ? rule : { ...rule, dtstart: new Date(at.getTime() + moved * unit) }
}

const listOf = (value: unknown): readonly number[] =>
  value == null ? [] : ((Array.isArray(value) ? value : [value]) as number[])

/**
 * Whether there can be such a time at all. The library would look for an impossible one without end (BYHOUR that the
 * interval never meets) or for seconds (30 February, day by day).
 */
function canHappen(rule: Read): boolean {
  const { freq, interval, dtstart, bymonth, bymonthday, byyearday, byweekno, byweekday } = rule
  const [hours, minutes, seconds] = [rule.byhour, rule.byminute, rule.bysecond].map(listOf) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ]
  const unit = SECONDS[freq]
  const meets = (second: number) =>
    (!hours.length || hours.includes(Math.floor(second / 3600))) &&
    (!minutes.length || minutes.includes(Math.floor(second / 60) % 60)) &&
    (!seconds.length || unit !== 1 || seconds.includes(second % 60))
  const first = (dtstart.getTime() % DAY) / 1000
  const met = (_: unknown, index: number) => meets((first + index * interval * (unit ?? 1)) % 86_400)
  if (unit && !Array.from({ length: 86_400 / unit }, met).includes(true)) return false
  const size = [hours, minutes, seconds]
    .slice(Math.max(0, freq - Frequency.DAILY))
    .reduce((n, l) => n * (l.length || 1), 1)
  const positions = listOf(rule.bysetpos)
  if (freq >= Frequency.DAILY && positions.length && positions.every((at) => Math.abs(at) > size))
    return false
  const month = (_: unknown, index: number) => ((dtstart.getUTCMonth() + index * interval) % 12) + 1
  const months = Array.from({ length: 12 }, month)
  if (freq === Frequency.MONTHLY && bymonth != null && !listOf(bymonth).some((one) => months.includes(one)))
    return false
  const days = { bymonthday, byyearday, byweekno, byweekday }
  if (Object.values(days).every((list) => list == null)) return true
  const by = freq === Frequency.MONTHLY ? freq : Frequency.YEARLY
  return new RRule({ ...days, bymonth, freq: by, dtstart: new Date(dtstart) }).after(dtstart, true) !== null
}
