/** The demo's material: the files of this repository, and what is true of them without Stem. */
import { createHash } from "node:crypto"
import { copyFileSync, mkdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { ROOT } from "../steps.ts"

export interface Truth {
  readonly hashes: ReadonlyMap<string, string>
  readonly fingerprint: string
  readonly lines: number
  readonly words: number
}

/** Copies all files of the repository, so that nobody edits them meanwhile; answers their absolute paths. */
export function copyFiles(folder: string): readonly string[] {
  const git = Bun.spawnSync(["git", "ls-files", "-z"], { cwd: ROOT })
  const listed = git.success
    ? git.stdout.toString().split("\0")
    : [...new Bun.Glob("{src,tests,scripts,docs,openspec,examples}/**/*").scanSync(ROOT)]
  return listed
    .filter((path) => path !== "" && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile())
    .sort()
    .map((path) => {
      const copy = join(folder, path)
      mkdirSync(dirname(copy), { recursive: true })
      copyFileSync(join(ROOT, path), copy)
      return copy
    })
}

export function truthOf(files: readonly string[]): Truth {
  const all = createHash("sha256")
  const hashes = new Map<string, string>()
  let lines = 0
  let words = 0
  for (const file of files) {
    const bytes = readFileSync(file)
    all.update(bytes)
    hashes.set(file, createHash("sha256").update(bytes).digest("hex"))
    const text = bytes.toString("utf8")
    lines += text.split("\n").length - 1
    words += text.match(/\S+/g)?.length ?? 0
  }
  return { hashes, fingerprint: all.digest("hex"), lines, words }
}

/** Every ninth hash fails once, every fifteenth twice. */
export const failuresOf = (index: number): number => (index % 15 === 0 ? 2 : index % 9 === 0 ? 1 : 0)

/** One task a line, as `stem enqueue --file` reads them. */
export const ndjson = (files: readonly string[], missing: string): string =>
  [
    ...files.flatMap((file, index) => [
      { task: "files.hash", queue: "files", input: { file, failures: failuresOf(index) } },
      { task: "files.count", queue: "files", input: { file } },
    ]),
    { task: "files.count", queue: "files", input: { file: missing } },
  ]
    .map((job) => `${JSON.stringify(job)}\n`)
    .join("")
