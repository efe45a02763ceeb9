/** The repository as the house tests see it: its files by path, and source text without comments. */
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

export const ROOT = resolve(import.meta.dir, "../..")

/** Every file of the repository, tracked or new, ignored ones left out; relative, with forward slashes. */
export const FILES: readonly string[] = Bun.spawnSync(
  ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
  { cwd: ROOT },
)
  .stdout.toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(ROOT, path)))

export const filesOf = (pattern: string): readonly string[] => {
  const glob = new Bun.Glob(pattern)
  return FILES.filter((path) => glob.match(path))
}

export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8")

const TOKEN = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g

/** Comments become blanks, so that lines keep their numbers; strings stay. */
export const withoutComments = (text: string): string =>
  text.replace(TOKEN, (token) => (/^\/[/*]/.test(token) ? token.replace(/[^\n]/g, " ") : token))

export const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length

/** Each match as `line: text`. */
export const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map((match) => `${lineAt(text, match.index)}: ${match[0].trim()}`)
