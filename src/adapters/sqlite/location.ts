import { statSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, resolve } from "node:path"
import { invalid, unavailable } from "../../core/kit/errors.ts"

/**
 * The absolute path that a `sqlite:PATH` URL names: relative to the current folder, `~` for the home folder.
 * Nothing in it is decoded, so spaces and percent signs stand for themselves. Throws `invalid_store_url`.
 */
export function pathOf(url: string): string {
  const path = url.slice("sqlite:".length)
  if (path === "" || path === ":memory:")
    throw invalid(
      "invalid_store_url",
      `"${url}" names no file`,
      "Write a path, as in sqlite:./stem.db; for a store that is not kept, memory:.",
    )
  if (path === "~" || path.startsWith("~/")) return resolve(homedir(), path.slice(2))
  return resolve(path)
}

/** Throws `store_no_folder` when the folder of the file is not there: a mistyped path must not become a new store. */
export function requireFolder(path: string): void {
  const folder = dirname(path)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  throw unavailable(
    "store_no_folder",
    `the folder of ${path} does not exist`,
    `Make it first: mkdir -p ${JSON.stringify(folder)}`,
  )
}
