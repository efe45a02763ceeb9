import { mkdirSync } from "node:fs"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import { messageOf, unavailable } from "../core/kit/errors.ts"

type Environment = Readonly<Record<string, string | undefined>>

export interface Person {
  readonly env: Environment
  readonly home: string
  readonly isRoot: boolean
}

const me = (): Person => ({ env: process.env, home: homedir(), isRoot: process.getuid?.() === 0 })

/** Where Stem keeps what must outlive it: `$XDG_STATE_HOME/stem`, `~/.local/state/stem`, or `/var/lib/stem` for root. */
export const stateFolder = (person: Person = me()): string =>
  folder(person, "XDG_STATE_HOME", ".local/state", "/var/lib/stem")

/** Where a person's own settings are: `$XDG_CONFIG_HOME/stem`, `~/.config/stem`, or `/etc/stem` for root. */
export const configFolder = (person: Person = me()): string =>
  folder(person, "XDG_CONFIG_HOME", ".config", "/etc/stem")

function folder({ env, home, isRoot }: Person, variable: string, below: string, root: string): string {
  const set = env[variable]
  // A relative path is to be ignored, says the XDG specification.
  if (set && isAbsolute(set)) return join(set, "stem")
  return isRoot ? root : join(home, below, "stem")
}

/** Makes the state folder, for its owner alone, and answers its path. Throws `unavailable` when it can not. */
export function makeStateFolder(path: string = stateFolder()): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  } catch (error) {
    throw unavailable(
      "state_folder",
      `the state folder ${path} can not be made: ${messageOf(error)}`,
      "Set XDG_STATE_HOME to a folder that can be written, or name a store with --broker.",
      error,
    )
  }
}

/** The store of a person who named none. */
export const defaultStatePath = (): string => `${stateFolder()}/stem.db`

/** The spool of a person who named none. */
export const defaultSpoolPath = (): string => `${stateFolder()}/spool.db`
