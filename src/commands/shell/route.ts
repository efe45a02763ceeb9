import { closest } from "../../core/kit/closest.ts"
import type { Entry } from "./command.ts"
import { usage } from "./exit.ts"
import { SHELL_FLAGS, STORE_FLAGS } from "./flags.ts"

/** Which command is meant. */
export interface Route {
  /** `["queue", "pause"]`; empty for `stem` alone. */
  readonly path: readonly string[]
  readonly entry: Entry
  /** The other arguments, in order. */
  readonly rest: readonly string[]
}

const BEFORE: Record<string, { readonly kind: string }> = { ...SHELL_FLAGS, ...STORE_FLAGS }

/**
 * Follows the words of the command line to a command. Flags that every command knows may stand before its name;
 * any other flag ends the search. Throws for a word that is no command, telling which was probably meant.
 */
export function route(given: readonly string[], root: Entry): Route {
  // `stem help queue pause` is `stem queue pause --help`.
  const tokens = given[0] === "help" ? ["--help", ...given.slice(1)] : given
  const path: string[] = []
  const flags: string[] = []
  let entry = root
  let at = 0
  for (; at < tokens.length && entry.children; at++) {
    const token = synonym(tokens[at] as string, path)
    if (token.startsWith("-") && token !== "-") {
      const flag = Object.hasOwn(BEFORE, token.slice(2).replace(/=.*/s, ""))
        ? BEFORE[token.slice(2).replace(/=.*/s, "")]
        : undefined
      if (!flag && token !== "-h") break
      flags.push(token)
      const next = tokens[at + 1]
      if (flag?.kind === "value" && !token.includes("=") && next !== undefined) {
        flags.push(next)
        at++
      }
      continue
    }
    const next: Entry | undefined = Object.hasOwn(entry.children, token) ? entry.children[token] : undefined
    if (!next) throw unknownCommand(path, token, entry)
    path.push(token)
    entry = next
  }
  return { path, entry, rest: [...flags, ...tokens.slice(at)] }
}

/** `stem --version` is what people try first. */
const synonym = (token: string, path: readonly string[]) =>
  token === "--version" && path.length === 0 ? "version" : token

function unknownCommand(path: readonly string[], word: string, entry: Entry) {
  const names = Object.keys(entry.children ?? {}).filter((name) => !entry.children?.[name]?.hidden)
  const meant = closest(word, names)
  const group = ["stem", ...path].join(" ")
  return usage(
    `${group} has no command "${word}"`,
    meant ? `Did you mean ${group} ${meant}?` : `Commands: ${names.join(", ")}. See ${group} --help.`,
  )
}
