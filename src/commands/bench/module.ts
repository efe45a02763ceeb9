import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A task that does nothing, as a module that isolates load. */
export async function writeModule(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "stem-bench-"))
  const path = join(folder, "tasks.mjs")
  await Bun.write(path, "export const nothing = () => null\n")
  return { path, remove: () => rm(folder, { recursive: true, force: true }) }
}

export const TASK = "nothing"
