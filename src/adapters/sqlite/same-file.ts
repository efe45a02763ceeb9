import { statSync } from "node:fs"
import { unavailable } from "../../core/kit/errors.ts"

/** How often a look at the folder is worth its two microseconds. */
const EVERY_MS = 200

/**
 * Answers how to see to it that the path still leads to the file that is open. A file that was removed goes on for those
 * who hold it, and nobody else would ever see what they write. Throws `store_gone`; when the file is put back all is well.
 */
export function sameFile(path: string): () => void {
  const opened = statSync(path, { bigint: true })
  let lookedAt = performance.now()
  let gone = false
  return () => {
    const now = performance.now()
    if (!gone && now - lookedAt < EVERY_MS) return
    lookedAt = now
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    gone = found?.ino !== opened.ino || found.dev !== opened.dev
    if (!gone) return
    throw unavailable(
      "store_gone",
      found
        ? `another file is at ${path} than the one that was opened`
        : `${path} was removed while it was open`,
      "Put the file back with its -wal, or restart this process, which then goes on with what is at that path.",
    )
  }
}
