import { usage } from "../shell/exit.ts"
import { readJson } from "../shell/json.ts"

/** What may be `key=value`: the key has no JSON mark, space or quote in it. */
const PAIR = /^([^\s={}[\]"',]+)=(.*)$/s

/** A task's input as it stands on the command line: nothing, JSON, `-` for stdin, or key=value pairs. */
export async function readInput(operands: readonly string[], stdin: () => Promise<string>): Promise<unknown> {
  const [only] = operands
  if (only === undefined) return undefined
  if (operands.length === 1) {
    if (only === "-") return readJson(await stdin(), "stdin")
    if (!PAIR.test(only)) return readSingle(only)
  }
  const entries: [string, unknown][] = []
  const seen = new Set<string>()
  for (const operand of operands) {
    const pair = PAIR.exec(operand)
    if (!pair)
      throw usage(
        `"${operand}" is not key=value`,
        "Give key=value pairs, or the whole input as one JSON argument in single quotes.",
      )
    const [, key, value] = pair as unknown as [string, string, string]
    if (seen.has(key)) throw usage(`"${key}" is given twice`)
    seen.add(key)
    entries.push([key, readValue(value)])
  }
  return Object.fromEntries(entries)
}

function readSingle(text: string): unknown {
  // What does not even begin like JSON is most likely a text that lacks its quotes.
  if (!/^\s*(?:[{["\d-]|(?:true|false|null)\s*$)/.test(text))
    throw usage(
      `the input "${text.length > 40 ? `${text.slice(0, 40)}…` : text}" is neither JSON nor key=value`,
      `A text is JSON with its quotes: '${JSON.stringify(text.slice(0, 40))}'.`,
    )
  return readJson(text, "the input")
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
