import type { Millis } from "./clock.ts"
import { parseDuration } from "./duration.ts"
import { invalid } from "./errors.ts"

/** So many a span of time. */
export interface Rate {
  readonly count: number
  readonly perMs: Millis
}

/** More than a thousand a millisecond is no limit, and finer than instants can be told apart. */
const MOST_PER_MS = 1000

/** Reads `100/m`, `10/s`, `5/30s`, `1000/1h`. Throws `invalid_rate` for anything else, and for none at all. */
export function parseRate(text: string): Rate {
  const [, count, span] = /^\s*(\d+)\s*\/\s*(\S+)\s*$/.exec(text) ?? []
  if (count === undefined || span === undefined) throw wrong(text)
  const rate = { count: Number(count), perMs: lengthOf(span, text) }
  if (rate.count < 1 || rate.perMs < 1 || rate.count > rate.perMs * MOST_PER_MS) throw wrong(text)
  return rate
}

function lengthOf(span: string, text: string): Millis {
  try {
    return parseDuration(/^\d/.test(span) ? span : `1${span}`)
  } catch {
    throw wrong(text)
  }
}

const wrong = (text: string) =>
  invalid(
    "invalid_rate",
    `"${text}" is not a rate`,
    "Write a number and a span of time, such as 100/m, 10/s or 5/30s; at most 1000000/s.",
  )
