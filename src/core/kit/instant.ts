import type { Millis } from "./clock.ts"
import { parseDuration } from "./duration.ts"
import { invalid, StemError } from "./errors.ts"

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/**
 * Reads an instant: ISO 8601 (without a zone it means UTC), or a duration from now such as `10m`.
 * Throws `invalid_instant` for anything else.
 */
export function parseInstant(text: string, now: Millis): Millis {
  const value = text.trim()
  if (ISO.test(value)) {
    const zoned = value.length === 10 || /(Z|[+-]\d{2}:?\d{2})$/.test(value) ? value : `${value}Z`
    const at = Date.parse(zoned)
    // Date takes the 30th of February for the 2nd of March.
    const day = new Date(`${value.slice(0, 10)}T00:00:00Z`)
    if (!Number.isNaN(at) && day.getUTCDate() === Number(value.slice(8, 10))) return at
  } else {
    try {
      return now + parseDuration(value)
    } catch (error) {
      if (!(error instanceof StemError)) throw error
    }
  }
  throw invalid(
    "invalid_instant",
    `"${text}" is not an instant`,
    "Write ISO 8601 (2026-03-29T01:30:00Z), or a duration from now (10m).",
  )
}

/** An instant as ISO 8601 in UTC. */
export const formatInstant = (at: Millis): string => new Date(at).toISOString()
