import type { Schedule } from "../../core/task/schedule.ts"
import { SHELL_TASK } from "../../core/task/shell.ts"

const word = (text: string) => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** What cron would run in place of the schedule: its command, or the enqueueing of its task. */
export function scheduleCommand({ task, input, queue }: Schedule): string {
  if (task === SHELL_TASK) {
    const { argv, useShell } = input as { argv: readonly string[]; useShell?: boolean }
    return useShell && argv.length === 1 ? (argv[0] as string) : argv.map(word).join(" ")
  }
  const rest = input === null ? [] : [JSON.stringify(input)]
  return ["stem", "enqueue", task, ...rest, ...(queue ? ["--queue", queue] : [])].map(word).join(" ")
}
