import { StemError } from "./errors.ts"

/** The most bytes an input, a result or a progress note may have as JSON: 1 MiB. Larger things belong in files. */
export const MAX_PAYLOAD_BYTES = 1_048_576

/**
 * Writes a value as JSON, refusing what JSON can not carry rather than losing it: functions, symbols, BigInt,
 * circles, and numbers that are not finite. `undefined` at the top is written as null, as a field it is left out.
 *
 * Throws `not_representable` naming the place in the value, or `too_large`; `what` names the value in the message.
 */
export function toJson(value: unknown, what: string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value, refuse)
  } catch (error) {
    if (error instanceof StemError) throw error
    throw new StemError(
      "invalid",
      "not_representable",
      `${what} can not be written as JSON: ${reasonOf(error)}`,
      {
        hint: "Return plain data: null, booleans, numbers, strings, arrays and objects of them.",
        cause: error,
      },
    )
  }
  const json = text ?? "null"
  // A JavaScript character is at most three bytes of UTF-8, so short texts need no counting.
  if (json.length * 3 > MAX_PAYLOAD_BYTES) {
    const bytes = new TextEncoder().encode(json).length
    if (bytes > MAX_PAYLOAD_BYTES)
      throw new StemError(
        "invalid",
        "too_large",
        `${what} has ${bytes} bytes, the most is ${MAX_PAYLOAD_BYTES}`,
        {
          hint: "Put the data in a file or a bucket, and pass its name.",
        },
      )
  }
  return json
}

/**
 * The value as it comes back from JSON, sharing nothing with what was given. Throws what {@link toJson} does; `what`
 * names the value then.
 */
export function jsonCopy(value: unknown, what: () => string): unknown {
  const budget = { chars: PLAIN_CHARS }
  const copy = plainCopy(value, budget, 0)
  return copy === NOT_PLAIN || budget.chars < 0 ? JSON.parse(toJson(value, what())) : copy
}

/** A character is six bytes of JSON at most: what has no more of them needs no counting. */
const PLAIN_CHARS = Math.floor(MAX_PAYLOAD_BYTES / 6)
/** Stands for the longest number, for a word, and for the marks around a member. */
const ATOM_CHARS = 8
const MOST_LEVELS = 32
const NOT_PLAIN = Symbol("not plain")

/**
 * A copy of plain data, which JSON would carry as it is, at a third of the cost of writing and reading it. Whatever is
 * a little unusual is not for here, nor is what could be too large.
 */
function plainCopy(value: unknown, budget: { chars: number }, level: number): unknown {
  budget.chars -= ATOM_CHARS
  if (typeof value === "string") {
    budget.chars -= value.length
    return value
  }
  if (value === null || typeof value === "boolean") return value
  // JSON knows no -0.
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : NOT_PLAIN
  if (typeof value !== "object" || level > MOST_LEVELS || budget.chars < 0) return NOT_PLAIN
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype || "toJSON" in value) return NOT_PLAIN
    const items: unknown[] = []
    for (const item of value) {
      const copy = plainCopy(item, budget, level + 1)
      if (copy === NOT_PLAIN) return NOT_PLAIN
      items.push(copy)
    }
    return items
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || "toJSON" in value) return NOT_PLAIN
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return NOT_PLAIN
    budget.chars -= key.length
    const copy = plainCopy((value as Record<string, unknown>)[key], budget, level + 1)
    if (copy === NOT_PLAIN) return NOT_PLAIN
    fields[key] = copy
  }
  return fields
}

function refuse(key: string, value: unknown): unknown {
  const kind = typeof value
  if (kind === "function" || kind === "symbol") throw new TypeError(`${at(key)} is a ${kind}`)
  if (kind === "bigint") throw new TypeError(`${at(key)} is a BigInt`)
  if (kind === "number" && !Number.isFinite(value)) throw new TypeError(`${at(key)} is ${String(value)}`)
  return value
}

const at = (key: string) => (key === "" ? "the value" : `"${key}"`)

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /circular|cyclic/i.test(message) ? "it contains itself" : message
}
