import { readFileSync } from "node:fs"
import { basename } from "node:path"

/** What was read to load modules: each file of the user's own, and a fingerprint of its text. */
export type Version = Readonly<Record<string, string>>

/** What is installed, what is in the executable, and what is no file. */
const NOT_OURS = /[/\\](node_modules|\$bunfs|~BUN)[/\\]|^[^/\\]+$/

/** Runs `load` and tells which files it brought in, but for what is installed under node_modules. */
export async function withVersion<T>(load: () => Promise<T>): Promise<{ loaded: T; version: Version }> {
  const before = new Set(Object.keys(require.cache))
  const loaded = await load()
  const brought = Object.keys(require.cache).filter((file) => !before.has(file) && !NOT_OURS.test(file))
  return { loaded, version: Object.fromEntries(brought.sort().map((file) => [file, fingerprint(file)])) }
}

/** The files in which two versions differ. */
export const changedBetween = (one: Version, other: Version): readonly string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((file) => one[file] !== other[file])

/** A version in one short word: the same for the same code, in whatever folder it is. */
export const digestOf = (version: Version): string | undefined => {
  const files = Object.entries(version).map(([file, print]) => `${basename(file)} ${print}`)
  return files.length === 0 ? undefined : Bun.hash(files.sort().join("\n")).toString(36)
}

function fingerprint(file: string): string {
  try {
    return Bun.hash(readFileSync(file)).toString(36)
  } catch {
    // Gone since it was read.
    return ""
  }
}
