import { type ErrorKind, messageOf, StemError } from "../../core/kit/errors.ts"

/** What a command answers to the shell. Scripts rely on these numbers; see docs/cli.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  invalid: 2,
  missing: 3,
  /** The task that was waited for ended failed, cancelled or expired. */
  taskFailed: 4,
  timeout: 5,
  duplicate: 6,
  unavailable: 69,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What a program that Stem ran for somebody exited with: any number from 0 to 255. */
export const exitOf = (code: number): ExitCode => code as ExitCode

const BY_KIND: Record<ErrorKind, ExitCode> = {
  failed: EXIT.failed,
  invalid: EXIT.invalid,
  missing: EXIT.missing,
  duplicate: EXIT.duplicate,
  timeout: EXIT.timeout,
  unavailable: EXIT.unavailable,
}

/** A mistake on the command line. Nothing was done. */
export const usage = (message: string, hint?: string): StemError =>
  new StemError("invalid", "usage", message, hint === undefined ? {} : { hint })

/** What is told of an error: the sentence, what to do next, and the exit code. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly exit: ExitCode
}

export function tell(thrown: unknown): Told {
  if (thrown instanceof StemError)
    return { code: thrown.code, message: thrown.message, hint: thrown.hint, exit: BY_KIND[thrown.kind] }
  const name = thrown instanceof Error ? `${thrown.name}: ` : ""
  return {
    code: "unexpected",
    message: `unexpected error: ${name}${messageOf(thrown)}`,
    hint: "This is a fault in Stem. Run it again with --debug to see where, and report it.",
    exit: EXIT.failed,
  }
}
