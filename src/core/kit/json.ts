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
