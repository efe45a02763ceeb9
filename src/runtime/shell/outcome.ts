import type { Outcome } from "../../core/task/outcome.ts"
import type { ShellFailure, ShellOutput } from "../../core/task/shell.ts"
import { isTruncated, KEPT, shorten } from "./capture.ts"
import type { Ended, Refused } from "./protocol.ts"

/** What sysexits.h and the shells mean by these. */
const MEANINGS: Readonly<Record<number, string>> = {
  64: "wrong usage",
  65: "bad data",
  75: "a temporary failure",
  126: "it can not be executed",
  127: "not found",
}

/** No attempt would help: the command line or its data are wrong, or there is no such program. */
const FINAL: ReadonlySet<number> = new Set([64, 65, 126, 127])

/** Faults of the machine at this moment; anything else that keeps a command from starting will do so again. */
const PASSING: ReadonlySet<string> = new Set(["EAGAIN", "ENOMEM", "EMFILE", "ENFILE", "ETXTBSY", "EIO"])

/**
 * How a command ended, as the outcome of its run. `name` is what people know it by; `softMs` is set when it was told
 * to stop by its soft limit.
 */
export function outcomeOf({ code, signal, output }: Ended, name: string, softMs?: number): Outcome {
  if (code === 0 && signal === null)
    return {
      kind: "succeeded",
      result: { exitCode: 0, ...output, truncated: isTruncated(output) },
    }
  const how = signal === null ? exitText(code ?? -1) : `killed by ${signal}`
  const overdue = softMs === undefined ? "" : `the soft time limit of ${softMs} ms has passed: `
  const error: ShellFailure = {
    name: signal === null ? "CommandFailed" : "CommandKilled",
    message: `${name}: ${overdue}${how}${lastWords(output)}`,
    code: overdue ? "soft_time_limit" : signal === null ? `exit_${code}` : `signal_${signal}`,
    ...(signal === null ? { exitCode: code ?? -1 } : { signal }),
    output: shorten(output, KEPT.failure),
  }
  return {
    kind: "failed",
    error,
    names: [error.name],
    ...(signal === null && FINAL.has(code ?? -1) && { final: true }),
  }
}

/** A command that was never started. */
export function refusedOutcome({ code, message }: Refused): Outcome {
  const error = { name: "CommandRefused", code, message }
  return { kind: "failed", error, names: [error.name], final: !PASSING.has(code) }
}

/** The same failure with what the command had written until then. */
export function withOutput(outcome: Outcome, output: ShellOutput): Outcome {
  if (outcome.kind !== "failed") return outcome
  const error: ShellFailure = { ...outcome.error, output: shorten(output, KEPT.failure) }
  return { ...outcome, error }
}

const exitText = (code: number): string => {
  const meaning = MEANINGS[code]
  return meaning === undefined ? `exit code ${code}` : `exit code ${code} (${meaning})`
}

/** The last line it wrote to stderr says more than its exit code. */
function lastWords({ stderr }: ShellOutput): string {
  const line = stderr.trimEnd().split("\n").at(-1)?.trim() ?? ""
  return line === "" ? "" : `: ${line.length > 300 ? `…${line.slice(-300)}` : line}`
}
