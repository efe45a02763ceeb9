/** What a worker and the keeper of one command say to each other, as JSON over Bun's IPC. */
import type { ShellOutput } from "../../core/task/shell.ts"

/** The hidden sub-command that makes this executable a keeper. */
export const KEEPER_COMMAND = "__keeper"

/** A command, ready to be started. */
export interface KeeperRun {
  /** An absolute path. */
  readonly program: string
  readonly argv0: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The worker's environment, without what is its own. */
  readonly env: Readonly<Record<string, string>>
  /** What the task says, which wins over the environment and over what a user brings. */
  readonly own: Readonly<Record<string, string>>
  readonly umask?: string | undefined
  readonly nice?: number | undefined
  readonly user?: string | undefined
  /** Absent: nothing to read. */
  readonly stdin?: string | undefined
}

/** Worker to keeper. TERM is for the command's whole group, KILL for everything that descends from it. */
export type ToKeeper =
  | { readonly kind: "run"; readonly run: KeeperRun }
  | { readonly kind: "term" }
  | { readonly kind: "kill" }

/** Keeper to worker. */
export type FromKeeper =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "output"; readonly output: ShellOutput }
  | Refused
  | Ended

/** It could not be started. */
export interface Refused {
  readonly kind: "refused"
  /** The system's name for it, as in ENOENT; or ours. */
  readonly code: string
  readonly message: string
}

/** It was started, and is gone with its group. */
export interface Ended {
  readonly kind: "ended"
  readonly code: number | null
  readonly signal: string | null
  readonly output: ShellOutput
}
