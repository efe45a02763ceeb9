import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { FOLDER, type ServiceName } from "./plan.ts"

/** The servers this machine was given by `up`, until `down`: where each writes its process id. */
export type State = Partial<Record<ServiceName, { readonly pidFile: string }>>

const file = () => join(FOLDER, "state.json")

export const readState = (): State =>
  existsSync(file()) ? (JSON.parse(readFileSync(file(), "utf8")) as State) : {}

export function writeState(state: State): void {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 })
  writeFileSync(file(), `${JSON.stringify(state, null, 2)}\n`)
}

/** The process that wrote its id there, if it lives. */
export function pidOf(pidFile: string): number | undefined {
  if (!existsSync(pidFile)) return undefined
  const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10)
  try {
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

/** Stops what `up` started, by process id, and removes its files. */
export async function stopAll(): Promise<readonly string[]> {
  const state = readState()
  const stopped: string[] = []
  for (const [name, { pidFile }] of Object.entries(state)) {
    const pid = pidOf(pidFile)
    if (pid === undefined) continue
    // To Postgres INT means: end the sessions, then stop.
    process.kill(pid, name === "postgres" ? "SIGINT" : "SIGTERM")
    for (let n = 0; n < 200 && pidOf(pidFile) === pid; n++) await Bun.sleep(50)
    if (pidOf(pidFile) === pid) process.kill(pid, "SIGKILL")
    stopped.push(name)
  }
  rmSync(FOLDER, { recursive: true, force: true })
  return stopped
}
