import type { CompletionNode } from "./tree.ts"

/** A script for fish. */
export function fishScript(nodes: readonly CompletionNode[]): string {
  const lines = nodes.flatMap(({ path, children, flags }) => {
    const others = children.map(({ name }) => name).join(" ")
    const here =
      path.length === 0
        ? "__fish_use_subcommand"
        : [
            ...path.map((word) => `__fish_seen_subcommand_from ${word}`),
            ...(others === "" ? [] : [`not __fish_seen_subcommand_from ${others}`]),
          ].join("; and ")
    return [
      ...children.map(
        ({ name, about }) => `complete -c stem -f -n ${quote(here)} -a ${name} -d ${quote(about)}`,
      ),
      ...flags.map(({ name, short, about, takesValue, choices }) =>
        [
          `complete -c stem -n ${quote(here)} -l ${name}`,
          ...(short ? [`-s ${short}`] : []),
          ...(takesValue ? ["-r"] : []),
          ...(choices.length > 0 ? [`-f -a ${quote(choices.join(" "))}`] : []),
          `-d ${quote(about)}`,
        ].join(" "),
      ),
    ]
  })
  return `# Completions of stem for fish.\n${lines.join("\n")}\n`
}

const quote = (text: string) => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`
