import type { Millis } from "./clock.ts"
import { invalid } from "./errors.ts"

const UNITS: Record<string, Millis> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A length of time: milliseconds as a number, or text such as `500ms`, `30s`, `5m`, `2h`, `7d`, `1h30m`. */
export type Duration = number | string

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y

/** Reads a duration as milliseconds. Throws `invalid_duration` for anything else, negative numbers included. */
export function parseDuration(value: Duration): Millis {
  if (typeof value === "number") {
    if (Number.isFinite(value) && value >= 0) return Math.round(value)
    throw wrong(String(value))
  }
  const text = value.trim()
  let total = 0
  let at = 0
  while (at < text.length) {
    PART.lastIndex = at
    const part = PART.exec(text)
    if (!part) throw wrong(value)
    total += Number(part[1]) * (UNITS[part[2] as string] as Millis)
    at = PART.lastIndex
  }
  if (text === "" || !Number.isSafeInteger(Math.round(total))) throw wrong(value)
  return Math.round(total)
}

const wrong = (value: string) =>
  invalid("invalid_duration", `"${value}" is not a duration`, "Write it as 500ms, 30s, 5m, 2h or 7d.")

/** Writes milliseconds the way people read them: `250ms`, `3.2s`, `5m`, `2h 5m`, `7d`. */
export function formatDuration(ms: Millis): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${trim(ms / 1000)}s`
  const units: [string, Millis][] = [
    ["d", UNITS.d as Millis],
    ["h", UNITS.h as Millis],
    ["m", UNITS.m as Millis],
    ["s", UNITS.s as Millis],
  ]
  const first = units.findIndex(([, size]) => ms >= size)
  let rest = ms
  const parts: string[] = []
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count}${unit}`)
    rest -= count * size
  }
  return parts.join(" ")
}

const trim = (value: number) => value.toFixed(1).replace(/\.0$/, "")
