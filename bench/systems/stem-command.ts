/** The executable: dist/stem where it was built, else what it is built from. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Place } from "../places.ts"
import { inputOf, type Timed } from "./system.ts"

const BINARY = join(import.meta.dir, "../../dist/stem")
const SOURCE = [process.execPath, join(import.meta.dir, "../../src/main.ts")]

export const isBuilt = (): boolean => existsSync(BINARY)

/** A command line of Stem. */
export const stemCommand = (...words: readonly string[]): string[] => [
  ...(isBuilt() ? [BINARY] : SOURCE),
  ...words,
]

/** So many lines through `stem enqueue --file`, from the start of the process to its end. */
export async function enqueueFile({ folder, broker, name }: Place, tasks: number): Promise<Timed> {
  const path = join(folder, "tasks.ndjson")
  const lines = Array.from({ length: tasks }, (_, n) =>
    JSON.stringify({ task: "nothing", input: inputOf(n) }),
  )
  await Bun.write(path, `${lines.join("\n")}\n`)
  const ms = await timed(stemCommand("enqueue", "--file", path, "--broker", broker, "--namespace", name))
  return { tasks, ms }
}

/** How long a command takes from start to end, in milliseconds. Throws when it fails. */
export async function timed(command: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = Bun.spawn([...command], { stdio: ["ignore", "ignore", "pipe"] })
  const code = await child.exited
  const ms = performance.now() - began
  if (code !== 0) throw new Error(`${command[0]}: exit code ${code}\n${await child.stderr.text()}`)
  return ms
}
