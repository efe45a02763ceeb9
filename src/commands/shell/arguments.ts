import { closest } from "../../core/kit/closest.ts"
import type { Flag, Flags } from "./command.ts"
import { usage } from "./exit.ts"

export interface Parsed {
  readonly flags: Readonly<Record<string, string | true | boolean | readonly string[] | undefined>>
  readonly operands: readonly string[]
}

/** A flag as it was written: `--name=value`, `--name`, `-n`, `-nvalue`. */
interface Written {
  readonly name: string
  readonly shown: string
  readonly value?: string | undefined
}

// `-5` is a number, `-` is stdin: both are operands.
const looksLikeFlag = (token: string) => /^-(?:-|[^\d.-])/.test(token)

const DURATION = /^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/

/**
 * Reads the arguments of one command. Strict: an unknown flag, a flag without its value, a switch with one, and
 * a choice that is none are refused. Everything after `--` is an operand. A value given twice counts as the last.
 */
export function parseArguments(tokens: readonly string[], known: Flags): Parsed {
  const flags: Record<string, string | boolean | string[] | undefined> = Object.create(null)
  for (const [name, { kind }] of Object.entries(known))
    flags[name] = kind === "switch" ? false : kind === "list" ? [] : undefined
  const operands: string[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as string
    if (token === "--") {
      operands.push(...tokens.slice(at + 1))
      break
    }
    if (!looksLikeFlag(token)) {
      operands.push(token)
      continue
    }
    const written = readFlag(token, known)
    const flag = known[written.name] as Flag
    if (flag.kind === "switch") {
      if (written.value !== undefined) throw usage(`${written.shown} takes no value`)
      flags[written.name] = true
    } else if (flag.kind === "optional") {
      flags[written.name] = optional(written, flag.hint, tokens[at + 1])
    } else {
      let { value } = written
      if (value === undefined) value = following(tokens[++at], written.shown, flag.hint)
      if (flag.kind === "list") (flags[written.name] as string[]).push(value)
      else flags[written.name] = chosen(flag.choices, value, written.shown)
    }
  }
  return { flags, operands }
}

function readFlag(token: string, known: Flags): Written {
  if (token.startsWith("--")) {
    const equals = token.indexOf("=")
    const name = token.slice(2, equals < 0 ? undefined : equals)
    const value = equals < 0 ? undefined : token.slice(equals + 1)
    if (Object.hasOwn(known, name)) return { name, shown: `--${name}`, value }
    const meant = closest(name, Object.keys(known))
    throw usage(`unknown option --${name}`, meant && `Did you mean --${meant}?`)
  }
  const short = token[1] as string
  const name = Object.keys(known).find((one) => known[one]?.short === short)
  if (!name) {
    const meant = closest(token.slice(1), Object.keys(known))
    throw usage(`unknown option ${token}`, meant && `Did you mean --${meant}?`)
  }
  const rest = token.slice(2)
  return { name, shown: `-${short}`, value: rest === "" ? undefined : rest.replace(/^=/, "") }
}

function optional({ shown, value }: Written, hint: string, next: string | undefined): string | true {
  if (value === "") throw usage(`${shown} has an empty value`, `Write ${shown} or ${shown}=${hint}.`)
  if (value === undefined && next !== undefined && DURATION.test(next))
    throw usage(`${shown} takes its value after "="`, `Write ${shown}=${next}.`)
  return value ?? true
}

function following(next: string | undefined, shown: string, hint: string): string {
  if (next === undefined) throw usage(`${shown} needs a value`, `Write ${shown} ${hint}.`)
  if (looksLikeFlag(next) || next === "--")
    throw usage(
      `${shown} needs a value, and ${next} looks like an option`,
      `Write ${shown}=${next} if you mean it.`,
    )
  return next
}

function chosen(choices: readonly string[] | undefined, value: string, shown: string): string {
  if (!choices || choices.includes(value)) return value
  const meant = closest(value, choices)
  throw usage(`${shown}: "${value}" is none of ${choices.join(", ")}`, meant && `Did you mean ${meant}?`)
}

/** Refuses too few or too many operands. */
export function checkOperands(
  { operands }: Parsed,
  { least, most }: { readonly least: number; readonly most: number },
  line: string,
): void {
  if (operands.length < least) throw usage("something is missing", `Usage: ${line}`)
  if (operands.length > most) throw usage(`unexpected argument "${operands[most]}"`, `Usage: ${line}`)
}
