import type { ColorChoice } from "./terminal.ts"

/** How to talk, as far as it is known before the arguments are read. */
export interface Presets {
  readonly color: ColorChoice
  readonly debug: boolean
  readonly json: boolean
}

/** Looks for `--color`, `--debug` and `--log-format` anywhere before `--`; wrong values are refused later. */
export function presets(
  tokens: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Presets {
  const end = tokens.indexOf("--")
  const before = end < 0 ? tokens : tokens.slice(0, end)
  const value = (flag: string) => {
    const at = before.findLastIndex((token) => token === flag || token.startsWith(`${flag}=`))
    if (at < 0) return undefined
    const token = before[at] as string
    return token === flag ? before[at + 1] : token.slice(flag.length + 1)
  }
  const color = value("--color")
  return {
    color: color === "always" || color === "never" ? color : "auto",
    debug: before.includes("--debug"),
    json: (value("--log-format") ?? env.STEM_LOG_FORMAT) === "json",
  }
}
