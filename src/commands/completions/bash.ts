import type { CompletionNode } from "./tree.ts"

/** A script for bash 3 and later; it needs no other package. */
export function bashScript(nodes: readonly CompletionNode[]): string {
  const paths = nodes.map(({ path }) => path.join(" ")).filter((path) => path !== "")
  const words = nodes.map(
    ({ path, children, flags }) =>
      `    "${path.join(" ")}") words="${[...children.map(({ name }) => name), ...flags.map(({ name }) => `--${name}`)].join(" ")}" ;;`,
  )
  const choices = new Map<string, readonly string[]>()
  for (const { flags } of nodes)
    for (const flag of flags) if (flag.choices.length > 0) choices.set(flag.name, flag.choices)
  const values = [...choices].map(
    ([name, list]) => `    --${name}) COMPREPLY=($(compgen -W "${list.join(" ")}" -- "$current")); return ;;`,
  )
  return `# Completions of stem for bash.
_stem() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.map((path) => `"${path}"`).join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$before" in
    -o) COMPREPLY=($(compgen -W "${(choices.get("output") ?? []).join(" ")}" -- "$current")); return ;;
${values.join("\n")}
  esac
  case "$path" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _stem stem
`
}
