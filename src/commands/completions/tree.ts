import type { Entry, Flags } from "../shell/command.ts"
import { SHELL_FLAGS } from "../shell/flags.ts"

/** One place on the command line, and what may follow there. */
export interface CompletionNode {
  /** `[]` is `stem` itself. */
  readonly path: readonly string[]
  readonly children: readonly { readonly name: string; readonly about: string }[]
  readonly flags: readonly CompletionFlag[]
}

export interface CompletionFlag {
  readonly name: string
  readonly short?: string | undefined
  readonly about: string
  /** Whether the next word is its value. */
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

/** Everything that can be typed, read from the commands themselves. */
export async function completionTree(entry: Entry, path: readonly string[] = []): Promise<CompletionNode[]> {
  const flags: Flags = { ...(entry.load && (await entry.load()).default.flags), ...SHELL_FLAGS }
  const children = Object.entries(entry.children ?? {}).filter(([, child]) => !child.hidden)
  const node: CompletionNode = {
    path,
    children: children.map(([name, { about }]) => ({ name, about })),
    flags: Object.entries(flags).map(([name, flag]) => ({
      name,
      short: flag.short,
      about: flag.about,
      takesValue: flag.kind === "value" || flag.kind === "list",
      choices: flag.kind === "value" ? (flag.choices ?? []) : [],
    })),
  }
  const below = await Promise.all(children.map(([name, child]) => completionTree(child, [...path, name])))
  return [node, ...below.flat()]
}
