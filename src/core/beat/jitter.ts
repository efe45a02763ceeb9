import type { Millis } from "../kit/clock.ts"
import type { Schedule } from "../task/schedule.ts"

/**
 * How much later than its nominal instant a firing is due: evenly spread in [0, jitterMs), whole milliseconds, and
 * always the same for the same name and instant, so that every Beat says the same. FNV-1a of `name@nominal`, its bits
 * mixed as MurmurHash3 ends.
 */
export function jitter({ name, jitterMs = 0 }: Pick<Schedule, "name" | "jitterMs">, nominal: Millis): Millis {
  let hash = 0x811c9dc5
  for (const char of `${name}@${nominal}`)
    hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  return Math.floor(((hash >>> 0) / 2 ** 32) * jitterMs)
}
