import { constants } from "node:os"
import type { Failure } from "../../core/task/failure.ts"
import { readShellFailure } from "../../core/task/shell.ts"
import { isEnded, type TaskStatus } from "../../core/task/status.ts"
import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode, exitOf } from "../shell/exit.ts"
import { failureLine } from "../shell/status.ts"

const BY_SIGNAL = 128

/** The exit code of a command as a shell would have it; undefined where it came to none. */
export function commandExit(error: Failure | undefined): number | undefined {
  const { exitCode, signal } = readShellFailure(error) ?? {}
  if (exitCode !== undefined) return exitCode
  if (signal !== undefined)
    return BY_SIGNAL + ((constants.signals as Readonly<Record<string, number>>)[signal] ?? 0)
  if (error?.code === "not_found") return 127
  return error?.code === "not_executable" ? 126 : undefined
}

/** Says why a command came to no exit code of its own, and answers what `stem run --wait` exits with. */
export function endingOf({ talk }: Shell, { id, state, error }: TaskStatus, wait: string | true): ExitCode {
  if (!isEnded(state)) {
    talk.error(`task ${id} has not ended after ${String(wait)}: it is ${state}`, {
      code: "wait_timeout",
      hint: `Wait again with: stem logs -f ${id}`,
    })
    return EXIT.timeout
  }
  if (state === "succeeded") return EXIT.done
  const code = state === "failed" ? commandExit(error) : undefined
  // What the command itself had to say of it has been printed.
  if (readShellFailure(error)?.exitCode === undefined || code === undefined)
    talk.error(`task ${id} ${state === "cancelled" ? "was cancelled" : state}${reason(error)}`, {
      code: `task_${state}`,
      hint:
        error?.code === "unknown_task"
          ? "Only a worker that is started with --shell runs commands."
          : undefined,
    })
  return code === undefined ? EXIT.taskFailed : exitOf(code)
}

const reason = (error: Failure | undefined) => (error ? `: ${failureLine(error)}` : "")
