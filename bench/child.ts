/**
 * A part of a measure in a process of its own: `bun bench/child.ts MODULE METHOD [JSON argument …]` calls what the
 * module exports under that name (`fill`, `system.drain`) and writes the answer as the last line of stdout.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const MARK = "answer: "

export type Part = readonly [module: string, method: string, ...args: unknown[]]

/** The command line of a part. */
export const commandOf = ([module, method, ...args]: Part): string[] => [
  process.execPath,
  import.meta.path,
  module,
  method,
  ...args.map((arg) => JSON.stringify(arg)),
]

/** Runs a part in a new process and answers what it answered. Throws when it failed, with what it said. */
export async function inChild<Answer>(...part: Part): Promise<Answer> {
  const child = Bun.spawn(commandOf(part), { stdio: ["ignore", "pipe", "pipe"] })
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

if (import.meta.main) {
  const [module = "", method = "", ...args] = process.argv.slice(2)
  const path = method.split(".")
  const call = path.reduce<unknown>(
    (from, name) => (from as Record<string, unknown>)[name],
    await import(`./${module}`),
  ) as (...args: unknown[]) => unknown
  const answer = await call(...args.map((arg) => JSON.parse(arg) as unknown))
  console.log(`${MARK}${JSON.stringify(answer ?? null)}`)
  process.exit(0)
}
