import { join } from "node:path"
import type { Isolates } from "../../src/core/contracts/isolates.ts"
import type { Outcome } from "../../src/core/task/outcome.ts"
import type { ShellFailure, ShellInput, ShellResult } from "../../src/core/task/shell.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { createShell, type ShellOptions } from "../../src/runtime/shell/run.ts"
import { type HookLog, hookLog } from "../support/hook-log.ts"
import { jobOf } from "../support/job.ts"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"

/** How the tests start a minder. */
export const MINDER = [process.execPath, join(import.meta.dir, "minder.ts")]

type More = Parameters<typeof jobOf>[2]

/** Commands as a worker would run them, gone with all that descends from them at the end of the test. */
export interface ShellDesk extends HookLog, AsyncDisposable {
  readonly shell: Isolates
  readonly folder: ModuleFolder
  /** Runs a command to its end. */
  run(input: ShellInput | readonly string[], more?: More): Promise<Outcome>
  /** The same of a script. */
  script(text: string, more?: More & { input?: Partial<ShellInput> }): Promise<Outcome>
  /** What a script wrote to a file of the folder, once it is there. */
  told(name: string): Promise<string>
}

export async function openShell(options: Partial<ShellOptions> = {}): Promise<ShellDesk> {
  const folder = moduleFolder({})
  const log = hookLog()
  const shell = createShell({ allow: [], clock: systemClock, command: MINDER, ...options })
  await shell.start(log.hooks)
  const run: ShellDesk["run"] = (input, more) =>
    shell.run(jobOf("shell", "argv" in input ? input : { argv: input }, more))
  return {
    ...log,
    shell,
    folder,
    run,
    script: (text, { input, ...more } = {}) =>
      run({ argv: [text], useShell: true, cwd: folder.path, ...input }, more),
    async told(name) {
      for (;;) {
        const text = await Bun.file(folder.file(name))
          .text()
          .catch(() => "")
        if (text.endsWith("\n")) return text.trimEnd()
        await Bun.sleep(5)
      }
    },
    async [Symbol.asyncDispose]() {
      await shell.stop()
      folder[Symbol.dispose]()
    },
  }
}

/** The result of a success; throws for anything else. */
export function resultOf(outcome: Outcome): ShellResult {
  if (outcome.kind === "succeeded") return outcome.result as ShellResult
  throw new Error(`it did not succeed: ${JSON.stringify(outcome)}`)
}

/** The error of a failure, and whether it is final; throws for anything else. */
export function failureOf(outcome: Outcome): ShellFailure & { final: boolean } {
  if (outcome.kind !== "failed") throw new Error(`it did not fail: ${JSON.stringify(outcome)}`)
  return { ...outcome.error, final: outcome.final ?? false }
}
