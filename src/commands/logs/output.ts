import {
  readShellFailure,
  readShellProgress,
  readShellResult,
  type ShellOutput,
} from "../../core/task/shell.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import type { Shell } from "../shell/command.ts"
import { clean } from "../shell/terminal.ts"

/** What an attempt has written. */
interface Written {
  readonly attempt: number
  readonly output: ShellOutput
}

/** What is known of a command's output: of the attempt that runs, else of the last one. */
export function writtenBy({ state, attempt, progress, result, error }: TaskStatus): Written | undefined {
  const ended = state === "succeeded" ? readShellResult(result) : readShellFailure(error)?.output
  const running = readShellProgress(progress?.data)
  if (running && (state === "running" ? running.attempt === attempt : !ended))
    return { attempt: running.attempt, output: running }
  if (!ended) return undefined
  return { attempt: state === "running" ? attempt - 1 : attempt, output: ended }
}

/** Prints output as it grows. */
export interface Printer {
  /** Prints what was not printed before. */
  print(written: Written): Promise<void>
}

const STREAMS = ["stdout", "stderr"] as const

/** The command's stdout goes to stdout, its stderr to stderr; on a terminal without control characters. */
export function createPrinter({ stdout, stderr, terminal, talk }: Shell): Printer {
  let shown = { attempt: 0, stdout: 0, stderr: 0 }
  const sinks = {
    stdout: (text: string) => stdout.write(terminal.stdout ? clean(text) : text),
    stderr: async (text: string) => stderr.write(terminal.stderr ? clean(text) : text),
  }
  return {
    async print({ attempt, output }) {
      if (attempt < shown.attempt) return
      if (attempt > shown.attempt) {
        if (shown.attempt > 0) talk.info(`attempt ${attempt}`)
        shown = { attempt, stdout: 0, stderr: 0 }
      }
      for (const stream of STREAMS) {
        const kept = output[stream]
        const written = output.written[stream]
        const from = written - kept.length
        const missed = from - shown[stream]
        if (missed > 0) talk.warn(`${missed} characters of ${stream} came before this and are not kept`)
        if (written <= shown[stream]) continue
        await sinks[stream](missed >= 0 ? kept : kept.slice(-missed))
        shown[stream] = written
      }
      await stdout.flush()
    },
  }
}
