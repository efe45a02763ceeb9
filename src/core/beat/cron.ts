import { closest } from "../kit/closest.ts"
import { invalid } from "../kit/errors.ts"
import { remembering } from "../kit/memo.ts"
import type { Wall } from "../kit/zone.ts"
import { type DayTest, daysOfMonth, daysOfWeek } from "./cron-days.ts"
import { FIELDS, itemsOf, numbersOf, type Piece } from "./cron-fields.ts"
import type { WallRule } from "./wall-clock.ts"

/** What the macros of crontab(5) stand for. */
export const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
}

/**
 * Reads a cron expression: five fields as in crontab(5), or six with seconds first; names, lists, ranges, steps,
 * macros, and L, W, # and ? of Quartz.
 *
 * Two rules are Vixie cron's: day of the month and day of the week are both to match, unless neither begins with `*`
 * or `?`, when one of them is enough; and an expression whose minute or hour (or second) begins with `*` follows the
 * clock, see {@link WallRule}.
 *
 * Throws `invalid_cron` naming the column, what is wrong there and what was probably meant.
 */
export const cronRule: (expression: string) => WallRule = remembering(readRule, 10_000)

function readRule(expression: string): WallRule {
  const pieces = fieldsOf(expression)
  const [second, minute, hour, day, month, weekday] = pieces
  const onDay = daysOfMonth(day)
  const onWeekday = daysOfWeek(weekday)
  const either = !open(day) && !open(weekday)
  const times = {
    seconds: valuesOf(second, FIELDS.second),
    minutes: valuesOf(minute, FIELDS.minute),
    hours: valuesOf(hour, FIELDS.hour),
  }
  const months = new Set(valuesOf(month, FIELDS.month))
  const isDay: DayTest = either
    ? (...at) => onDay(...at) || onWeekday(...at)
    : (...at) => onDay(...at) && onWeekday(...at)
  return {
    follows: [second, minute, hour].some(({ text }) => text.startsWith("*")),
    atOrAfter: (low) => search(low, months, isDay, times),
  }
}

const open = ({ text }: Piece) => text.startsWith("*") || text.startsWith("?")

const valuesOf = (piece: Piece, field: (typeof FIELDS)[keyof typeof FIELDS]): readonly number[] =>
  [...new Set(itemsOf(piece).flatMap((item) => numbersOf(item, field)))].sort((a, b) => a - b)

type Six = readonly [Piece, Piece, Piece, Piece, Piece, Piece]

function fieldsOf(expression: string): Six {
  const macro = expression.trim().toLowerCase()
  const text = macro.startsWith("@") ? expanded(macro) : expression
  const pieces = [...text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    column: match.index + 1,
    expression: text,
  }))
  if (pieces.length === 5) pieces.unshift({ text: "0", column: 1, expression: text })
  if (pieces.length === 6) return pieces as unknown as Six
  throw invalid(
    "invalid_cron",
    `cron "${expression}" has ${count(pieces.length)}, not five or six`,
    counted(pieces.length),
  )
}

const count = (fields: number) => (fields === 1 ? "1 field" : `${fields} fields`)

const counted = (fields: number) =>
  fields === 7
    ? "A year, as Quartz has it, is not known: give the schedule a start and an end."
    : "The five are minute, hour, day of the month, month, day of the week: 30 3 * * * is half past three."

function expanded(macro: string): string {
  const known = MACROS[macro]
  if (known) return known
  if (macro === "@reboot")
    throw invalid(
      "invalid_cron",
      "@reboot is not a time: any number of Beats may start at any time",
      "Let the service manager run stem enqueue once after boot.",
    )
  if (macro.startsWith("@every"))
    throw invalid("invalid_cron", `"${macro}" is not cron`, `Use every${macro.slice(6) || " 5m"}.`)
  const near = closest(macro, Object.keys(MACROS))
  throw invalid("invalid_cron", `"${macro}" is not known`, near && `Did you mean ${near}?`)
}

interface Times {
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
}

const DAY = 86_400_000
const CYCLE_YEARS = 400 // the Gregorian calendar repeats after 400 years, which are whole weeks

function search(low: Wall, months: ReadonlySet<number>, isDay: DayTest, times: Times): Wall | undefined {
  const from = new Date(Math.ceil(low / 1000) * 1000)
  const today = Math.floor(from.getTime() / DAY)
  const first = from.getUTCFullYear() * 12 + from.getUTCMonth()
  for (let index = first; index <= first + CYCLE_YEARS * 12; index++) {
    if (!months.has((index % 12) + 1)) continue
    const start = Date.UTC(Math.floor(index / 12), index % 12, 1) / DAY
    const length = Date.UTC(Math.floor(index / 12), (index % 12) + 1, 1) / DAY - start
    for (let day = Math.max(start, today); day < start + length; day++) {
      if (!isDay(day - start + 1, length, (((day + 4) % 7) + 7) % 7)) continue
      const time = timeAtOrAfter(day === today ? from.getTime() - today * DAY : 0, times)
      if (time !== undefined) return day * DAY + time
    }
  }
  return undefined
}

/** The first time of the day, in milliseconds since midnight, at or after `low`. */
function timeAtOrAfter(low: number, { seconds, minutes, hours }: Times): number | undefined {
  for (const hour of hours) {
    if ((hour + 1) * 3_600_000 <= low) continue
    for (const minute of minutes) {
      if (hour * 3_600_000 + (minute + 1) * 60_000 <= low) continue
      for (const second of seconds) {
        const time = hour * 3_600_000 + minute * 60_000 + second * 1000
        if (time >= low) return time
      }
    }
  }
  return undefined
}
