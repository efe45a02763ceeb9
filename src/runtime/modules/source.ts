import { existsSync, readFileSync } from "node:fs"
import { dirname, relative } from "node:path"

/** A file as people know it: relative to where they are when it is below, else absolute. */
export function showPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === "" || short.startsWith("..") ? path : short
}

/** `tasks.ts:12`, or only the file where the line is not known. */
export const showPlace = (path: string, line?: number): string =>
  line === undefined ? showPath(path) : `${showPath(path)}:${line}`

/** The line on which a module exports a name; undefined where it can not be seen in the text. */
export function lineOfExport(path: string, name: string): number | undefined {
  const word = literal(name)
  return name === "default"
    ? lineOf(path, [/^\s*export\s+default\b/, /\bas\s+default\b/])
    : lineOf(path, [
        new RegExp(
          `^\\s*export\\s+(?:declare\\s+)?(?:async\\s+)?(?:const|let|var|function\\*?|enum)\\s+${word}(?![\\w$])`,
        ),
        new RegExp(`^\\s*export\\s*\\{.*(?<![\\w$])${word}(?![\\w$])`),
        new RegExp(`^\\s*(?:\\w+\\s+as\\s+)?${word}\\s*,?\\s*$`),
      ])
}

/** The line on which a module names what it imports from. */
export const lineOfImport = (path: string, specifier: string): number | undefined =>
  lineOf(path, [new RegExp(`["'\`]${literal(specifier)}["'\`]`)])

/** Who imports `name` from `module`, looking through `entry` and the files it imports by relative paths. */
export function findImporter(
  entry: string,
  module: string,
  name: string,
): { path: string; line: number | undefined } | undefined {
  const seen = new Set<string>()
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined && seen.size < 500; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const specifier of importsOf(path)) {
      const target = resolve(specifier, path)
      if (target === module && lineOf(path, [new RegExp(`(?<![\\w$])${literal(name)}(?![\\w$])`)]))
        return { path, line: lineOfImport(path, specifier) }
      if (target && specifier.startsWith(".")) waiting.push(target)
    }
  }
  return undefined
}

function importsOf(path: string): string[] {
  try {
    const loader = /\.[jt]sx$/.test(path) ? "tsx" : "ts"
    return new Bun.Transpiler({ loader }).scanImports(read(path)).map((found) => found.path)
  } catch {
    return []
  }
}

function resolve(specifier: string, from: string): string | undefined {
  if (specifier === "stem") return specifier
  try {
    return Bun.resolveSync(specifier, dirname(from))
  } catch {
    return undefined
  }
}

function lineOf(path: string, patterns: RegExp[]): number | undefined {
  const lines = read(path).split("\n")
  for (const pattern of patterns) {
    const at = lines.findIndex((line) => pattern.test(line))
    if (at >= 0) return at + 1
  }
  return undefined
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "")
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
