import { type CrontabEntry, parseCrontab } from "../../core/beat/crontab.ts"
import { schedulePut } from "../../core/beat/put.ts"
import { BY_HAND } from "../../core/contracts/schedules.ts"
import { parseSchedule, type Schedule } from "../../core/task/schedule.ts"
import { parseShellInput, SHELL_TASK } from "../../core/task/shell.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { commandText } from "./shell-words.ts"
import { specText } from "./shown.ts"

export default defineCommand({
  usage: "<file… | ->",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["crontab -l | stem schedule import -", "your own crontab"],
    ["stem schedule import --system /etc/crontab /etc/cron.d/*", "with their column of users"],
    ["crontab -l | stem schedule import - --dry-run", "only read it, and tell what will be otherwise"],
  ],
  notes: `Each job becomes a schedule named PREFIX-LINE, which runs the command through its shell. Without CRON_TZ the machine's own
time zone is meant. When a line can not be read nothing is stored, and every such line is told.`,
  flags: {
    system: { kind: "switch", about: "a system crontab: a user stands before the command" },
    prefix: { kind: "value", hint: "NAME", about: "names begin with it (default: cron, or the file's name)" },
    timezone: { kind: "value", hint: "ZONE", about: "where CRON_TZ is not set (default: this machine's)" },
    overlap: {
      kind: "value",
      hint: "HOW",
      about: "the task before has not ended: allow (as cron does), skip, queue-one or cancel-previous",
      choices: ["allow", "skip", "queue-one", "cancel-previous"],
    },
    "dry-run": { kind: "switch", about: "only tell what would be done" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }) {
    const timezone = flags.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
    const found: { readonly schedule: Schedule; readonly place: string }[] = []
    let wrong = 0
    for (const path of operands) {
      const name = path === "-" ? "stdin" : path
      const text = path === "-" ? await Bun.stdin.text() : await textOf(path)
      const { entries, errors } = parseCrontab(text, flags.system ? "system" : "user")
      const base = flags.prefix ?? (path === "-" ? "cron" : (path.split("/").at(-1) as string))
      for (const { line, message, hint } of errors)
        shell.talk.error(`line ${line} of ${name}: ${message}`, { hint })
      wrong += errors.length
      for (const entry of entries) {
        for (const warning of entry.warnings) shell.talk.warn(`line ${entry.line} of ${name}: ${warning}`)
        const schedule = scheduleOfEntry(
          entry,
          `${base.replace(/[^\p{L}\p{N}_.-]/gu, "-")}-${entry.line}`,
          timezone,
        )
        found.push({ schedule: { ...schedule, overlap: flags.overlap ?? "allow" } as Schedule, place: name })
      }
    }
    if (wrong > 0)
      throw usage(`${wrong === 1 ? "a line" : `${wrong} lines`} can not be read; nothing was stored`)
    return withStores(shell, flags, async ({ stores: { schedules, clock } }) => {
      const puts = found.map(({ schedule }) => schedulePut(schedule, clock.now()))
      const stored = flags["dry-run"] ? [] : await schedules.put(puts)
      for (const one of stored)
        if (one.kind === "taken")
          shell.talk.error(`${one.name} is defined in ${one.source}, and was left as it is`)
      shell.talk.info(`${puts.length} schedules ${flags["dry-run"] ? "would be" : "were"} imported`)
      await showList(shell, flags.output, {
        rows: found,
        columns: [
          { title: "NAME", cell: ({ schedule }) => schedule.name },
          { title: "WHEN", cell: ({ schedule }) => specText(schedule.spec) },
          { title: "ZONE", cell: ({ schedule }) => schedule.timezone },
          { title: "COMMAND", cell: ({ schedule }) => commandText(schedule) },
        ],
        json: ({ schedule }) => ({
          ...{ name: schedule.name, spec: schedule.spec, timezone: schedule.timezone, input: schedule.input },
        }),
        name: ({ schedule }) => schedule.name,
      })
      return stored.some(({ kind }) => kind === "taken") ? EXIT.failed : EXIT.done
    })
  },
})

async function textOf(path: string): Promise<string> {
  const file = Bun.file(path)
  if (await file.exists()) return file.text()
  throw usage(`${path}: there is no such file`)
}

/** cron runs commands through sh, and again and again: a failed one waits for its next instant, as cron has it. */
function scheduleOfEntry(entry: CrontabEntry, name: string, timezone: string): Schedule {
  const { SHELL, MAILTO: _, ...env } = entry.env
  const script =
    SHELL && SHELL !== "/bin/sh"
      ? { argv: [SHELL, "-c", entry.command] }
      : { argv: [entry.command], useShell: true }
  return parseSchedule({
    ...{
      v: 1,
      name,
      spec: entry.spec,
      timezone: entry.timezone ?? timezone,
      source: BY_HAND,
      task: SHELL_TASK,
    },
    input: parseShellInput({
      ...script,
      ...(Object.keys(env).length > 0 && { env }),
      ...(entry.user !== undefined && { user: entry.user }),
      ...(entry.stdin !== undefined && { stdin: entry.stdin }),
    }),
    options: { retry: { max: 0 } },
  })
}
