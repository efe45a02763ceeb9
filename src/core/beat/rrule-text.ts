import type { Millis } from "../kit/clock.ts"
import { closest } from "../kit/closest.ts"
import { invalid, type StemError } from "../kit/errors.ts"
import { isZone, offsetAt, type Wall } from "../kit/zone.ts"

/** One RRULE, its parts checked and in capitals; UNTIL stands beside it, for it may be an instant or a wall time. */
export interface Rule {
  readonly parts: ReadonlyMap<string, string>
  readonly until?: Wall | undefined
}

/** What RFC 5545 (section 3.8.5) says in lines: all times as the clock in the schedule's zone shows them. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly start?: Wall | undefined
  readonly added: readonly Wall[]
  readonly left: ReadonlySet<Wall>
}

const FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]

/** A list of numbers from `min` to `max`; `back`: negative ones count from the end. */
const numbers = (min: number, max: number, back = false) => ({
  fits: (value: string) =>
    value.split(",").every((text) => {
      if (!(back ? /^[+-]?\d+$/ : /^\d+$/).test(text)) return false
      const size = Math.abs(Number(text))
      return size >= min && size <= max
    }),
  says: `numbers from ${min} to ${max}${back ? ", or counted from the end with a minus" : ""}`,
})
const pattern = (form: RegExp, says: string) => ({ fits: (value: string) => form.test(value), says })

const DAYS = "(?:MO|TU|WE|TH|FR|SA|SU)"
const PARTS: Readonly<Record<string, { fits: (value: string) => boolean; says: string }>> = {
  FREQ: { fits: (value) => FREQUENCIES.includes(value), says: FREQUENCIES.join(", ") },
  INTERVAL: pattern(/^[1-9]\d{0,5}$/, "a number above zero"),
  COUNT: pattern(/^([1-9]\d{0,3}|10000)$/, "a number from 1 to 10000"),
  UNTIL: pattern(/^\d{8}(T\d{6}Z?)?$/, "a date or time such as 20261231T235959Z"),
  WKST: pattern(new RegExp(`^${DAYS}$`), "a day: MO, TU, WE, TH, FR, SA, SU"),
  BYDAY: pattern(
    new RegExp(`^([+-]?[1-9]\\d?)?${DAYS}(,([+-]?[1-9]\\d?)?${DAYS})*$`),
    "days such as MO,FR or 2MO (the second Monday) or -1FR (the last Friday)",
  ),
  BYSECOND: numbers(0, 59),
  BYMINUTE: numbers(0, 59),
  BYHOUR: numbers(0, 23),
  BYMONTHDAY: numbers(1, 31, true),
  BYYEARDAY: numbers(1, 366, true),
  BYWEEKNO: numbers(1, 53, true),
  BYMONTH: numbers(1, 12),
  BYSETPOS: numbers(1, 366, true),
}

/** Reads `FREQ=…`, or lines of DTSTART, RRULE, RDATE and EXDATE. Throws `invalid_rrule` with the place. */
export function parseRules(text: string, zone: string): RuleSet {
  const rules: Rule[] = []
  const added: Wall[] = []
  const left = new Set<Wall>()
  let start: Wall | undefined
  for (const line of text.replace(/\r?\n[ \t]/g, "").split(/\r?\n/)) {
    const [, name = "RRULE", params = "", value = ""] =
      /^(?:([A-Za-z-]+)((?:;[^:=]+=[^:]+)*):)?(.*)$/s.exec(line.trim()) ?? []
    if (value === "") continue
    const times = () => value.split(",").map((time) => wallOf(time, line, params, zone))
    const kind = name.toUpperCase()
    if (kind === "RRULE") rules.push(ruleOf(value, line, zone))
    else if (kind === "DTSTART") start = wallOf(value, line, params, zone)
    else if (kind === "RDATE") added.push(...times())
    else if (kind === "EXDATE") for (const time of times()) left.add(time)
    else throw wrong(line, 1, `"${name}" is not known`, "DTSTART, RRULE, RDATE and EXDATE are.")
  }
  if (rules.length === 0 && added.length === 0)
    throw wrong(text, 1, "there is no RRULE", "FREQ=DAILY;BYHOUR=3 is one.")
  return { rules, start, added: added.sort((a, b) => a - b), left }
}

function ruleOf(value: string, line: string, zone: string): Rule {
  const parts = new Map<string, string>()
  let column = line.indexOf(value) + 1
  for (const part of value.split(";")) {
    const [key = "", given = ""] = part.toUpperCase().split("=")
    if (part !== "") checkPart(line, column, key, given, parts)
    column += part.length + 1
  }
  const freq = parts.get("FREQ")
  if (!freq) throw wrong(line, 1, "FREQ is missing", "Begin with FREQ=DAILY or another frequency.")
  if (/\d/.test(parts.get("BYDAY") ?? "") && freq !== "MONTHLY" && freq !== "YEARLY")
    throw wrong(
      line,
      line.toUpperCase().indexOf("BYDAY") + 1,
      "a numbered BYDAY needs FREQ=MONTHLY or YEARLY",
    )
  const until = parts.get("UNTIL")
  if (until && parts.has("COUNT"))
    throw wrong(line, line.toUpperCase().indexOf("COUNT") + 1, "COUNT and UNTIL may not stand together")
  parts.delete("UNTIL")
  // A bare date means the whole of that day.
  const end = until && wallOf(until, line, "", zone) + (until.includes("T") ? 0 : 86_399_000)
  return { parts, ...(end && { until: end }) }
}

function checkPart(
  line: string,
  column: number,
  key: string,
  value: string,
  parts: Map<string, string>,
): void {
  const part = PARTS[key]
  if (!part) {
    const near = closest(key, Object.keys(PARTS))
    throw wrong(line, column, `"${key}" is not a part of a rule`, near && `Did you mean ${near}?`)
  }
  if (parts.has(key)) throw wrong(line, column, `${key} stands twice`)
  if (!part.fits(value)) {
    const near = key === "FREQ" ? closest(value, FREQUENCIES) : undefined
    throw wrong(
      line,
      column,
      `${key} is "${value}"`,
      near ? `Did you mean ${near}?` : `${key} takes ${part.says}.`,
    )
  }
  parts.set(key, value)
}

const TIME = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/

/** A time without a zone is the wall's; one with Z is an instant; a TZID has to be the schedule's own. */
function wallOf(text: string, line: string, params: string, zone: string): Wall {
  const [, tzid] = /;TZID=([^;:]+)/i.exec(params) ?? []
  if (tzid && tzid !== zone)
    throw wrong(
      line,
      line.indexOf(tzid) + 1,
      `TZID is ${tzid}, the schedule's time zone ${zone}`,
      isZone(tzid) ? `Give the schedule the time zone ${tzid}, and leave TZID out.` : "Leave TZID out.",
    )
  const match = TIME.exec(text.trim().toUpperCase())
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (match ?? [])
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0))
  const at: Millis = Date.UTC(year, month - 1, day, hour, minute, second)
  const shown = match && new Date(at).toISOString().replace(/[-:]|\.000Z/g, "")
  if (shown?.slice(0, 8) !== text.trim().slice(0, 8) || hour > 23 || minute > 59 || second > 59)
    throw wrong(line, line.indexOf(text) + 1, `"${text}" is not a time`, "Write it as 20260329T013000.")
  return match?.[7] ? at + offsetAt(zone, at) : at
}

const wrong = (line: string, column: number, why: string, hint?: string): StemError =>
  invalid("invalid_rrule", `rrule "${line}", column ${column}: ${why}`, hint)
