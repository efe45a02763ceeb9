import { expect, test } from "bun:test"
import { resolve } from "node:path"
import { ROOT as TREE } from "../../src/commands/index.ts"
import { checkOperands, parseArguments } from "../../src/commands/shell/arguments.ts"
import { SHELL_FLAGS } from "../../src/commands/shell/flags.ts"
import { route } from "../../src/commands/shell/route.ts"

const ROOT = resolve(import.meta.dir, "../..")

/** Lines in fences of sh or text that call stem, up to a pipe, a redirection or the next command. */
const callsIn = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^```(?:sh|text)\b[^\n]*\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .filter((line) => /^(?:dist\/)?stem [a-z-]/.test(line))
    .map((line) => line.replace(/^(?:dist\/)?stem /, ""))

/** Words as a shell would split them; enough for documents. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(?:[|;&]|\d?>)/.test(word)) break
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double))
  }
  return words
}

/** Throws what stem would say of such a call, without making it. */
async function understand(line: string): Promise<void> {
  const { path, entry, rest } = route(wordsOf(line), TREE)
  if (!entry.load) {
    parseArguments(rest, SHELL_FLAGS)
    return
  }
  const { default: command } = await entry.load()
  const parsed = parseArguments(rest, { ...command.flags, ...SHELL_FLAGS })
  checkOperands(parsed, command.operands, `stem ${path.join(" ")} ${command.usage}`)
}

const documents = ["README.md", ...new Bun.Glob("docs/**/*.md").scanSync(ROOT)].sort()
const calls = await Promise.all(
  documents.map(async (document) => ({
    document,
    lines: callsIn(await Bun.file(resolve(ROOT, document)).text()),
  })),
)

test("every command line of the documents is understood", async () => {
  expect(calls.flatMap(({ lines }) => lines).length).toBeGreaterThan(50)
  const wrong: string[] = []
  for (const { document, lines } of calls)
    for (const line of lines)
      await understand(line).catch((error: Error) =>
        wrong.push(`${document}: stem ${line}: ${error.message}`),
      )
  expect(wrong).toEqual([])
})

test("a command line that is wrong is found", async () => {
  expect(wordsOf(`enqueue a '{"b": 1}' --queue="c d" > e`)).toEqual([
    "enqueue",
    "a",
    '{"b": 1}',
    "--queue=c d",
  ])
  expect(callsIn("```sh run\nstem inspect | head\nls\n```\n```ts\nstem no\n```\n")).toEqual([
    "inspect | head",
  ])
  for (const line of ["enqeue a", "enqueue a --no-such-flag", "queue pause"])
    await expect(understand(line)).rejects.toThrow()
})
