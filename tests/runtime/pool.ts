import { join } from "node:path"
import type { Isolates } from "../../src/core/contracts/isolates.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { createProcessIsolates } from "../../src/runtime/isolates/pool.ts"
import { type HookLog, hookLog } from "../support/hook-log.ts"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"

export const CHILD = [process.execPath, join(import.meta.dir, "child.ts")]

/** A pool of real processes over a module of a user's, gone with all its processes at the end of the test. */
export interface TestPool extends HookLog, AsyncDisposable {
  readonly pool: Isolates
  readonly folder: ModuleFolder
}

export async function startPool(
  tasks: string,
  options: {
    isolates?: number
    maxTasks?: number
    maxRssBytes?: number
    files?: Record<string, string>
  } = {},
): Promise<TestPool> {
  const { files = {}, ...more } = options
  const folder = moduleFolder({ "tasks.ts": tasks, ...files })
  const log = hookLog()
  const pool = createProcessIsolates({
    modules: [folder.file("tasks.ts")],
    isolates: 1,
    clock: systemClock,
    command: CHILD,
    ...more,
  })
  await pool.start(log.hooks)
  return {
    ...log,
    pool,
    folder,
    async [Symbol.asyncDispose]() {
      await pool.stop()
      await pool.extensions?.()?.close()
      folder[Symbol.dispose]()
    },
  }
}

/** Whether a process is there; a zombie is not. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => "")
  return status !== "" && !/^State:\s+Z/m.test(status)
}

/** Resolves when the process is gone. */
export async function untilGone(pid: number): Promise<void> {
  while (await isAlive(pid)) await Bun.sleep(5)
}
