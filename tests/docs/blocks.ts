/** The runnable parts of a document: files to write, and commands to run in their order. */
export type Block =
  | { readonly kind: "file"; readonly name: string; readonly text: string; readonly line: number }
  | { readonly kind: "run"; readonly text: string; readonly line: number }

/** A fence of ```` ```ts name.ts ```` is a file, one of ```` ```sh run ```` is run; all others are only shown. */
export function blocksOf(markdown: string): readonly Block[] {
  const found: Block[] = []
  for (const fence of markdown.matchAll(/^```(\w+) +(\S+)\n([\s\S]*?)^```$/gm)) {
    const [, language, word = "", text = ""] = fence
    const line = markdown.slice(0, fence.index).split("\n").length
    if (language === "sh" && word === "run") found.push({ kind: "run", text, line })
    else if (/\.(ts|toml|json)$/.test(word)) found.push({ kind: "file", name: word, text, line })
  }
  return found
}
