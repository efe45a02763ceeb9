/** Parts of a measure in processes of their own. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const MARK = "answer: "
const MAIN = join(import.meta.dir, "child-main.mjs")

/** What the module under bench/ exports by that name, called with these arguments; each is handed over as JSON. */
export type Part = readonly [module: string, method: string, ...args: unknown[]]

/** The command line of a part. */
export const commandOf = ([module, method, ...args]: Part, runtime = process.execPath): string[] => [
  ...[runtime, MAIN, join(import.meta.dir, module), method],
  ...args.map((arg) => JSON.stringify(arg)),
]

/** Runs a part in a new process and answers what it answered. Throws when it failed, with what it said. */
export const inChild = <Answer>(...part: Part): Promise<Answer> => answerOf(part, commandOf(part))

/** The same on Node: the module is made one plain file first. */
export const inNode = <Answer>(...part: Part): Promise<Answer> =>
  inFolder(async (folder) => {
    const [module, method, ...args] = part
    const bundle = await Bun.build({
      ...{ entrypoints: [join(import.meta.dir, module)], target: "node", format: "esm" },
      ...{ outdir: folder, naming: "module.mjs" },
    })
    if (!bundle.success) throw new Error(bundle.logs.join("\n"))
    const node = Bun.which("node")
    if (!node) throw new Error("there is no node on the PATH")
    const json = args.map((arg) => JSON.stringify(arg))
    return answerOf<Answer>(part, [node, MAIN, join(folder, "module.mjs"), method, ...json])
  })

async function answerOf<Answer>(part: Part, command: string[]): Promise<Answer> {
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"] })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  const line = out.trimEnd().split("\n").at(-1) ?? ""
  if (code === 0 && line.startsWith(MARK)) return JSON.parse(line.slice(MARK.length)) as Answer
  throw new Error(`${part[0]} ${part[1]}: exit code ${code}\n${err}${out}`)
}

/** Gives `use` an empty folder, on the disk that temporary files are on, and removes it afterwards. */
export async function inFolder<Answer>(use: (folder: string) => Promise<Answer>): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), "stem-bench-"))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
