import { invalid, StemError } from "../kit/errors.ts"
import { scheduleOf } from "../task/define-schedule.ts"
import type { Schedule } from "../task/schedule.ts"
import { parseShellInput, SHELL_TASK } from "../task/shell.ts"
import { type ConfigFile, isTable, readToml } from "./file.ts"

/** What a table says of its command, beside the words of it, and how the input of the shell task calls it. */
const COMMAND_FIELDS: Readonly<Record<string, string>> = {
  directory: "cwd",
  env: "env",
  user: "user",
  umask: "umask",
  nice: "nice",
  stdin: "stdin",
}

/** What a file defines, be it nothing: then what it defined vanishes. */
export const sourceOfFile = async (file: ConfigFile) => ({
  source: nameOf(file),
  schedules: await schedulesOfFile(file),
})

const nameOf = ({ directory }: ConfigFile) => `file:${directory.replace(/\/$/, "")}/stem.toml`

/**
 * The schedules of `[schedules.NAME]` tables: the fields of defineSchedule, written with dashes (`start-at`), or
 * `command` in place of `task` and `input`. Throws `invalid_config` naming file and schedule.
 */
export async function schedulesOfFile(file: ConfigFile): Promise<readonly Schedule[]> {
  const { schedules } = await readToml(file)
  if (!isTable(schedules)) return []
  return Object.entries(schedules).map(([name, table]) => {
    try {
      if (!isTable(table)) throw invalid("invalid_config", `it is no table`, `Write [schedules.${name}].`)
      const definition = { ...commandOf(camel(table)), name }
      return scheduleOf(definition, nameOf(file))
    } catch (error) {
      if (!(error instanceof StemError)) throw error
      throw invalid("invalid_config", `${file.name}: schedules.${name}: ${error.message}`, error.hint, error)
    }
  })
}

/** `start-at` is startAt, here and in tables below; the keys of input and headers are anybody's own. */
function camel(table: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      isTable(value) && !["input", "headers", "env"].includes(key) ? camel(value) : value,
    ]),
  )
}

/** A text is a script for the shell; a list is a program and its arguments, which no shell reads. */
function commandOf({ command, ...table }: Record<string, unknown>): Record<string, unknown> {
  if (command === undefined) return table
  if (table.task !== undefined || table.input !== undefined)
    throw invalid("invalid_config", "command stands in place of task and input", "Give one or the other.")
  const input: Record<string, unknown> =
    typeof command === "string" ? { argv: [command], useShell: true } : { argv: command }
  const rest = { ...table }
  for (const [field, name] of Object.entries(COMMAND_FIELDS)) {
    if (rest[field] === undefined) continue
    input[name] = rest[field]
    delete rest[field]
  }
  return { ...rest, task: SHELL_TASK, input: parseShellInput(input) }
}
