import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A disk of its own, in memory, so small that it can be filled. */
export interface TinyDisk {
  readonly folder: string
  readOnly(): void
  remove(): void
}

/** Undefined where this user may not mount: only root may, and not in every container. */
export function tinyDisk(bytes: number): TinyDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "stem-disk-"))
  const run = (...words: string[]) =>
    Bun.which(words[0] as string) !== null && Bun.spawnSync(words, { stderr: "ignore" }).success
  if (!run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder)) {
    rmSync(folder, { recursive: true })
    return undefined
  }
  return {
    folder,
    readOnly: () => void run("mount", "-o", "remount,ro", folder),
    remove() {
      run("umount", folder)
      rmSync(folder, { recursive: true })
    },
  }
}
