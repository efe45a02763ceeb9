import { canonicalJson } from "../kit/canonical-json.ts"
import { parseDuration } from "../kit/duration.ts"
import { invalid } from "../kit/errors.ts"
import type { Fair, Unique } from "../task/envelope.ts"
import type { EnqueueOptions } from "../task/options.ts"

/** As long as a key may be, its task's name included. */
const LONGEST = 1000

/**
 * What a sender said of doubles, as it is stored. The key belongs to the task's name; without one of its own it is the
 * input, the order of fields aside. Throws `key_too_long`, `window_needed` or `window_unused`.
 */
export function uniqueOf(
  task: string,
  input: unknown,
  said: Exclude<EnqueueOptions["unique"], undefined | false>,
): Unique {
  const {
    key: own,
    mode: named,
    for: length,
  } = said === true ? {} : typeof said === "string" ? { key: said } : said
  const mode = named ?? (length === undefined ? "live" : "window")
  const timed = mode === "window" || mode === "throttle"
  if (timed && length === undefined)
    throw invalid(
      "window_needed",
      `unique ${mode} does not say for how long`,
      "Say for how long, such as 1h.",
    )
  if (!timed && length !== undefined)
    throw invalid(
      "window_unused",
      `unique ${mode} lasts as long as its task`,
      "Leave the time out, or say window.",
    )
  const key = `${task}:${own ?? canonicalJson(input)}`
  if (key.length > LONGEST)
    throw invalid(
      "key_too_long",
      `the unique key of ${task} has ${key.length} characters, the most is ${LONGEST}`,
      own === undefined
        ? "Name the part of the input that makes it unique as its key."
        : "Give a shorter key.",
    )
  return { key, mode, ...(length !== undefined && { forMs: parseDuration(length) }) }
}

/** Whose turn a task takes, as it is stored. */
export const fairOf = (said: NonNullable<EnqueueOptions["fair"]>): Fair =>
  typeof said === "object" ? said : { key: String(said) }
