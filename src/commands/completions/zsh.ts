import type { CompletionFlag, CompletionNode } from "./tree.ts"

/** A script for zsh's own completion system. */
export function zshScript(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map(
    ({ path, children, flags }) => `    "${path.join(" ")}")
      commands=(${children.map(({ name, about }) => quote(`${name}:${about.replace(/:/g, "\\:")}`)).join(" ")})
      flags=(${flags.map((flag) => quote(spec(flag))).join(" ")}) ;;`,
  )
  const paths = nodes.map(({ path }) => path.join(" ")).filter((path) => path !== "")
  return `#compdef stem
# Completions of stem for zsh.
_stem() {
  local place="" word
  local -a commands flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${place:+$place }$word" in
      ${paths.map((path) => path.replaceAll(" ", "\\ ")).join("|")}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place" in
${cases.join("\n")}
  esac
  if (( \${#commands} )) && [[ "$PREFIX" != -* ]]; then
    _describe command commands
  else
    _arguments -s "\${flags[@]}" "*:file:_files"
  fi
}
compdef _stem stem
`
}

const quote = (text: string) => `'${text.replace(/'/g, "'\\''")}'`

function spec({ name, about, takesValue, choices }: CompletionFlag): string {
  const told = about.replace(/[[\]:]/g, "\\$&")
  const value = takesValue ? `:${name}:${choices.length > 0 ? `(${choices.join(" ")})` : ""}` : ""
  return `--${name}[${told}]${value}`
}
