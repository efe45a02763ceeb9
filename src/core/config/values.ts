/**
 * How each kind of setting is read: text from flags and the environment, TOML's own kinds from files.
 */
import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import { messageOf } from "../kit/errors.ts"
import { Name } from "../task/envelope.ts"
import type { QueueChoice } from "./config.ts"

/** Checks a value from outside; what it refuses it names in a sentence. */
export type Reader<T> = v.GenericSchema<unknown, T>

/** A schema from a function that answers the value or throws the sentence of what is wrong with it. */
const reader = <T>(read: (value: unknown) => T): Reader<T> =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return read(dataset.value)
      } catch (error) {
        addIssue({ message: messageOf(error) })
        return NEVER
      }
    }),
  )

const quoted = (value: unknown) => (typeof value === "string" ? `"${value}"` : JSON.stringify(value))

/** Text of a form; `what` names the form. */
export const text = (what: string, pattern: RegExp): Reader<string> =>
  reader((value) => {
    if (typeof value === "string" && pattern.test(value)) return value
    throw new Error(`${quoted(value)} is not ${what}`)
  })

/** One of these words. */
export const choice = <const T extends string>(choices: readonly T[]): Reader<T> =>
  reader((value) => {
    const found = choices.find((one) => one === value)
    if (found) return found
    throw new Error(`${quoted(value)} is none of ${choices.join(", ")}`)
  })

/** A whole number, as a number or as text. */
export const whole = (least: number, most: number): Reader<number> =>
  reader((value) => {
    const number = typeof value === "string" && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value
    if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most)
      return number
    throw new Error(`${quoted(value)} is not a whole number from ${least} to ${most}`)
  })

/** A length of time, always with its unit. */
export const duration = (least: Millis): Reader<Millis> =>
  reader((value) => {
    if (typeof value !== "string")
      throw new Error(`${quoted(value)} is not a duration; write it as text, as in "30s"`)
    const ms = parseDuration(value)
    if (ms >= least) return ms
    throw new Error(`${quoted(value)} is too short; the least is ${least}ms`)
  })

const SIZES: Record<string, number> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `512MB`, `2g`, `1048576`: units are of 1024. */
export const size: Reader<number> = reader((value) => {
  const match = /^(\d+(?:\.\d+)?)\s*(?:(b)|(?:([kmg])(?:i?b)?))?$/i.exec(String(value).trim())
  const bytes = match
    ? Number(match[1]) * (SIZES[(match[2] ?? match[3] ?? "").toLowerCase()] as number)
    : Number.NaN
  if (Number.isSafeInteger(Math.round(bytes))) return Math.round(bytes)
  throw new Error(`${quoted(value)} is not a size; write it as 512MB or 2GB`)
})

/** Yes or no. */
export const flag: Reader<boolean> = reader((value) => {
  if (value === true || value === "true" || value === "1") return true
  if (value === false || value === "false" || value === "0") return false
  throw new Error(`${quoted(value)} is neither true nor false`)
})

/** One path, or several. */
export const paths: Reader<readonly string[]> = reader((value) => {
  const list = Array.isArray(value) ? value : [value]
  if (list.every((path) => typeof path === "string" && path !== "")) return list as string[]
  throw new Error(`${quoted(value)} is not a list of files`)
})

/** Globs of absolute paths: one, a list, or with colons between them, as in PATH. */
export const patterns: Reader<readonly string[]> = reader((value) => {
  const list = typeof value === "string" ? value.split(":") : value
  const isPattern = (one: unknown) => typeof one === "string" && one.startsWith("/")
  if (Array.isArray(list) && list.length > 0 && list.every(isPattern)) return list as string[]
  throw new Error(`${quoted(value)} is not a list of absolute paths or globs of them`)
})

/** `a,b` is an order of precedence; `a=3,b=1` are weights. In TOML also `["a", "b"]` and `{ a = 3, b = 1 }`. */
export const queues: Reader<readonly QueueChoice[]> = reader((value) => {
  const list =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([name, weight]) => `${name}=${weight}`)
      : (Array.isArray(value) ? value : String(value).split(",")).map((name) => String(name).trim())
  const choices = list.map(queueChoice)
  const weighted = choices.filter(({ weight }) => weight !== undefined).length
  if (weighted !== 0 && weighted !== choices.length)
    throw new Error("either every queue has a weight (a=3,b=1) or none has (a,b)")
  const twice = choices.find(({ name }, at) => choices.findIndex((other) => other.name === name) !== at)
  if (twice) throw new Error(`queue "${twice.name}" is named twice`)
  return choices
})

function queueChoice(written: string): QueueChoice {
  const [name = "", weight, ...rest] = written.split("=")
  if (rest.length > 0 || !v.is(Name, name)) throw new Error(`"${written}" is not a queue's name`)
  if (weight === undefined) return { name }
  const share = Number(weight)
  if (Number.isInteger(share) && share >= 1 && share <= 1000 && weight.trim() !== "")
    return { name, weight: share }
  throw new Error(`the weight of queue "${name}" is not a whole number from 1 to 1000`)
}

/** A path to keep something in; yes for the usual one, no for none. */
export const pathOrSwitch: Reader<string | boolean> = reader((value) => {
  if (value === true || value === "true" || value === "1") return true
  if (value === false || value === "false" || value === "0") return false
  if (typeof value === "string" && value.trim() !== "") return value
  throw new Error(`${quoted(value)} is neither a path nor true nor false`)
})

/** Two whole numbers with a dash between: the least and the most. */
export const bounds = (least: number, most: number): Reader<{ readonly min: number; readonly max: number }> =>
  reader((value) => {
    const [, min, max] = (/^(\d+)\s*-\s*(\d+)$/.exec(String(value).trim()) ?? []).map(Number)
    if (min === undefined || max === undefined || min < least || max > most)
      throw new Error(`${quoted(value)} is not a range of whole numbers from ${least} to ${most}, as in 2-16`)
    if (min > max) throw new Error(`${quoted(value)}: the least, ${min}, is more than the most, ${max}`)
    return { min, max }
  })
