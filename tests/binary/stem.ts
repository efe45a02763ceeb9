/** The executable as a user runs it: in a folder of theirs, with an environment of theirs. */
import { expect } from "bun:test"
import { stemCommand } from "../support/executable.ts"
import type { ModuleFolder } from "../support/module-folder.ts"

export interface Answer {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Nothing of this machine: no PATH, no settings; what Stem keeps is kept in the folder. */
export const bareEnv = (folder: ModuleFolder) => ({
  PATH: "",
  HOME: folder.path,
  XDG_STATE_HOME: folder.file(".state"),
})

export function startStem(folder: ModuleFolder, args: readonly string[], directory = folder.path) {
  return Bun.spawn([...stemCommand(), ...args], {
    cwd: directory,
    env: bareEnv(folder),
    stdio: ["ignore", "pipe", "pipe"],
  })
}

export async function stem(
  folder: ModuleFolder,
  args: readonly string[],
  directory?: string,
): Promise<Answer> {
  const child = startStem(folder, args, directory)
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, err }
}

/** Enqueues a task, lets a worker run it, and answers its result. Fails the test when it did not succeed. */
export async function resultOf(
  folder: ModuleFolder,
  task: string,
  module = folder.file("tasks.ts"),
  directory?: string,
): Promise<unknown> {
  const enqueued = await stem(folder, ["enqueue", task], directory)
  expect(enqueued).toMatchObject({ code: 0 })
  const worked = await stem(folder, ["worker", module, "--drain", "--isolates", "1"], directory)
  const status = await stem(folder, ["result", enqueued.out.trim(), "-o", "json"], directory)
  const { state, result } = JSON.parse(status.out)
  expect({ state, worker: worked.code, err: worked.err }).toEqual({
    state: "succeeded",
    worker: 0,
    err: worked.err,
  })
  return result
}
