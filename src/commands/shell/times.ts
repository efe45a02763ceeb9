import type { Millis } from "../../core/kit/clock.ts"
import { formatDuration, parseDuration } from "../../core/kit/duration.ts"
import { StemError } from "../../core/kit/errors.ts"
import { formatInstant, parseInstant } from "../../core/kit/instant.ts"
import { usage } from "./exit.ts"

export type TimeForm = "relative" | "iso"

/** An instant for a table: `3m ago`, `in 5s`, or ISO 8601. */
export function showTime(at: Millis | undefined, form: string | undefined, now = Date.now()): string {
  if (at === undefined) return "-"
  if (form === "iso") return formatInstant(at)
  const distance = Math.abs(now - at)
  if (distance < 1000) return "now"
  const length = formatDuration(Math.floor(distance / 1000) * 1000)
  return at > now ? `in ${length}` : `${length} ago`
}

/** An instant for JSON; null when there is none. */
export const isoOrNull = (at: Millis | undefined): string | null =>
  at === undefined ? null : formatInstant(at)

/** Names the flag in what is thrown about its value. */
export function inFlag<T>(flag: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StemError) throw usage(`${flag}: ${error.message}`, error.hint)
    throw error
  }
}

export const durationFlag = (flag: string, value: string | undefined): Millis | undefined =>
  value === undefined ? undefined : inFlag(flag, () => parseDuration(value))

/** An instant to come: a duration means from now. */
export const instantFlag = (flag: string, value: string | undefined): Millis | undefined =>
  value === undefined ? undefined : inFlag(flag, () => parseInstant(value, Date.now()))

/** An instant that has been: a duration means before now. */
export function pastFlag(flag: string, value: string | undefined): Millis | undefined {
  if (value === undefined) return undefined
  const now = Date.now()
  return inFlag(flag, () => {
    const at = parseInstant(value, now)
    return /^\d{4}-/.test(value.trim()) ? at : now - (at - now)
  })
}

export function wholeFlag(
  flag: string,
  value: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined
  if (/^-?\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
  throw usage(`${flag}: "${value}" is not a whole number from ${least} to ${most}`)
}

/** `50/s`, `100/m`, `1000/h`: how many milliseconds lie between two. */
export function rateFlag(flag: string, value: string | undefined): Millis | undefined {
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\/(s|m|h|d)$/.exec(value)
  if (match && Number(match[1]) > 0) return parseDuration(`1${match[2]}`) / Number(match[1])
  throw usage(`${flag}: "${value}" is not a rate`, "Write it as 50/s, 100/m or 1000/h.")
}
