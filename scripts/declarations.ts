/**
 * `bun scripts/declarations.ts`: writes what `stem init` gives editors where nothing is installed, from the
 * sources: the public names of src/index.ts and every type they need, in one file without imports.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { ROOT, tool } from "./steps.ts"

export const DECLARATIONS = join(ROOT, "src/runtime/modules/declarations.txt")

interface Source {
  /** Top-level declarations with their comments, by name. Of a type and a value of one name, the first: the type. */
  readonly declared: ReadonlyMap<string, string>
  /** Where a name that is not declared here comes from. */
  readonly from: ReadonlyMap<string, string>
}

/** The text for the file. Throws when two needed types share a name. */
export async function makeDeclarations(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stem-types-"))
  try {
    const emit = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", ROOT]
    const command = [tool("tsc"), "-p", ROOT, ...emit, "--outDir", folder]
    // Its exit code speaks of the types' correctness, which `npm run check` asks for elsewhere.
    await Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] }).exited
    return await format(await gather(join(folder, "src/index.d.ts")))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function gather(index: string): Promise<string> {
  const { from } = read(await readFile(index, "utf8"), index)
  const found = new Map<string, { file: string; text: string }>()
  const waiting = [...from]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [name, file] = next
    const known = found.get(name)
    if (known && known.file !== file) throw new Error(`two public types are named ${name}`)
    if (known) continue
    const source = read(await readFile(file, "utf8"), file)
    const text = source.declared.get(name)
    if (text === undefined) {
      const origin = source.from.get(name)
      if (origin) waiting.push([name, origin])
      continue
    }
    found.set(name, { file, text })
    for (const word of wordsOf(text)) {
      const origin = source.declared.has(word) ? file : source.from.get(word)
      if (origin && word !== name) waiting.push([word, origin])
    }
  }
  const names = [...found.keys()].sort()
  const body = names.map((name) => {
    const text = (found.get(name)?.text ?? "").replace(/^(?:export )?(?:declare )?/gm, "")
    return from.has(name) ? text.replace(/^(?=(?:type|interface|class|function|const) )/gm, "export ") : text
  })
  return [
    "// Types of Stem, for editors. Written by `stem init`; the executable itself serves the module.",
    'declare module "stem" {',
    ...body,
    "export {}",
    "}",
    "",
  ].join("\n")
}

function read(text: string, file: string): Source {
  const declared = new Map<string, string>()
  const from = new Map<string, string>()
  // A declaration begins in the first column; what belongs to it is indented or closes a brace there.
  for (const [chunk] of text.matchAll(/^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?[a-z].*\n(?:[ }\t].*\n)*/gm)) {
    const list = /^(?:import|export)\s(?:type\s)?\{([^}]*)\} from "(\..+)"/m.exec(chunk)
    if (list) {
      const path = join(dirname(file), (list[2] as string).replace(/\.ts$/, ".d.ts"))
      for (const word of (list[1] as string).split(",")) {
        const name = word.trim().replace(/^type /, "")
        if (name) from.set(name, path)
      }
      continue
    }
    const name = /^(?:export )?(?:declare )?(?:type|interface|class|function|const) (\w+)/m.exec(chunk)?.[1]
    if (name && !declared.has(name)) declared.set(name, chunk)
  }
  return { declared, from }
}

const wordsOf = (text: string): readonly string[] =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").match(/\b[A-Z]\w*\b/g) ?? []

async function format(text: string): Promise<string> {
  const child = Bun.spawn([tool("biome"), "format", "--stdin-file-path=stem.d.ts"], {
    cwd: ROOT,
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "inherit",
  })
  const formatted = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error("the declarations could not be formatted")
  return formatted
}

if (import.meta.main) await Bun.write(DECLARATIONS, await makeDeclarations())
