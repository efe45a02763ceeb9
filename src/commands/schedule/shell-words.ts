import type { CronCommand } from "../../core/beat/crontab-export.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { SHELL_TASK, type ShellInput } from "../../core/task/shell.ts"

const word = (text: string) => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
const line = (words: readonly string[]) => words.map(word).join(" ")

/** What cron would run in place of the schedule: its command, or the enqueueing of its task. */
export function scheduleCommand({ task, input, queue, priority }: Schedule): CronCommand {
  if (task === SHELL_TASK) return shellCommand(input as ShellInput)
  const rest = [
    ...(input === null ? [] : [JSON.stringify(input)]),
    ...(queue === undefined ? [] : ["--queue", queue]),
    ...(priority === undefined ? [] : ["--priority", String(priority)]),
  ]
  return { command: line(["stem", "enqueue", task, ...rest]) }
}

/** Folder, umask, niceness and variables stand before the program, for cron has no other place for them. */
function shellCommand({ argv, useShell, cwd, env, umask, nice, user, stdin }: ShellInput): CronCommand {
  const [script = "", ...more] = argv
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)
  const before = [
    ...(nice === undefined ? [] : ["nice", "-n", String(nice)]),
    ...(variables.length === 0 ? [] : ["env", ...variables]),
  ]
  const bare = useShell && more.length === 0 && before.length === 0
  const program = useShell ? ["/bin/sh", "-c", script, ...(more.length === 0 ? [] : ["sh", ...more])] : argv
  const command = [
    ...(cwd === undefined ? [] : [line(["cd", cwd])]),
    ...(umask === undefined ? [] : [line(["umask", umask])]),
    bare ? script : line([...before, ...program]),
  ].join(" && ")
  return {
    command,
    ...(stdin !== undefined && { stdin: typeof stdin === "string" ? stdin : JSON.stringify(stdin) }),
    ...(user !== undefined && { lost: ["user"] }),
  }
}

/** The same as one line for people. */
export const commandText = (schedule: Schedule): string => scheduleCommand(schedule).command
