/** What a worker and the minder of one command say to each other, as JSON over Bun's IPC. */
import type { ShellOutput } from "../../core/task/shell.ts"

/** The hidden sub-command that makes this executable a minder. */
export const MINDER_COMMAND = "__minder"

/** A command, ready to be started. */
export interface MinderRun {
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

/** Worker to minder. TERM is for the command's whole group, KILL for everything that descends from it. */
export type ToMinder =
  | { readonly kind: "run"; readonly run: MinderRun }
  | { readonly kind: "term" }
  | { readonly kind: "kill" }

/** Minder to worker. */
export type FromMinder =
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
