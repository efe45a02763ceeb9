import { invalid, StemError } from "../kit/errors.ts"
import { isZone } from "../kit/zone.ts"
import type { ScheduleSpec } from "../task/schedule.ts"
import { cronRule } from "./cron.ts"

/** One job of a crontab, as cron would run it. */
export interface CrontabEntry {
  readonly line: number
  readonly spec: Extract<ScheduleSpec, { kind: "cron" }>
  /** From CRON_TZ; without it cron means the machine's own zone. */
  readonly timezone?: string | undefined
  /** Of the user column of a system crontab. */
  readonly user?: string | undefined
  /** What is set above the line. Values are as written: cron replaces no variables. */
  readonly env: Readonly<Record<string, string>>
  /** For the shell: `SHELL` of the environment, else /bin/sh. */
  readonly command: string
  /** What stands behind the first `%`, as lines. */
  readonly stdin?: string | undefined
  /** What will be otherwise than under cron. */
  readonly warnings: readonly string[]
}

/** A line that could not be read. */
export interface CrontabError {
  readonly line: number
  readonly text: string
  readonly message: string
  readonly hint?: string | undefined
}

/** What a crontab says. Every line is in one of the lists, or is empty or a comment, or sets a variable. */
export interface Crontab {
  readonly entries: readonly CrontabEntry[]
  readonly errors: readonly CrontabError[]
}

/** `user`: what `crontab -l` shows. `system`: /etc/crontab and /etc/cron.d, with a column for the user. */
export type CrontabFormat = "user" | "system"

const SETTING = /^(?:"([^"]*)"|'([^']*)'|([A-Za-z_]\w*))\s*=\s*(.*)$/

/** Reads a crontab by the rules of crontab(5), of Vixie cron and cronie. Throws nothing: errors are told by line. */
export function parseCrontab(text: string, format: CrontabFormat): Crontab {
  const entries: CrontabEntry[] = []
  const errors: CrontabError[] = []
  const env: Record<string, string> = {}
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    const content = raw.trim()
    if (content === "" || content.startsWith("#")) continue
    try {
      const setting = SETTING.exec(content)
      if (setting) set(env, setting)
      else entries.push({ line, ...entryOf(content, format, env) })
    } catch (error) {
      if (!(error instanceof StemError)) throw error
      errors.push({ line, text: raw, message: error.message, ...(error.hint && { hint: error.hint }) })
    }
  }
  return { entries, errors }
}

function set(env: Record<string, string>, [, double, single, bare, value = ""]: readonly string[]): void {
  const name = double ?? single ?? bare ?? ""
  const [, quoted] = /^(?:"(.*)"|'(.*)')$/s.exec(value) ? [undefined, value.slice(1, -1)] : []
  const plain = quoted ?? value
  if (name === "CRON_TZ" && plain !== "" && !isZone(plain))
    throw invalid(
      "invalid_crontab",
      `CRON_TZ is "${plain}", which is no time zone`,
      "Write it as Europe/Berlin.",
    )
  env[name] = plain
}

function entryOf(text: string, format: CrontabFormat, variables: Readonly<Record<string, string>>) {
  const warnings: string[] = []
  const quiet = text.startsWith("-")
  if (quiet) warnings.push("the leading - (no line in the system log) has no meaning here")
  const words = quiet ? text.slice(1).trimStart() : text
  const [, times = "", behind = ""] =
    (words.startsWith("@") ? /^(@\S+)\s*(.*)$/s : /^(\S+(?:\s+\S+){4})\s*(.*)$/s).exec(words) ?? []
  if (times === "")
    throw invalid(
      "invalid_crontab",
      `"${text}" is neither a setting nor five fields and a command`,
      "A job is as 30 3 * * * command, a setting as NAME=value.",
    )
  cronRule(times)
  const { user, rest } = format === "system" ? withUser(behind) : { user: undefined, rest: behind }
  if (rest === "") throw invalid("invalid_crontab", "there is no command behind the time")
  if (!user && /^(root|www-data|nobody)\s/.test(rest))
    warnings.push(
      `"${rest.split(/\s/)[0]}" looks like the user of a system crontab, and is taken for the command`,
    )
  const { CRON_TZ: timezone, ...env } = variables
  return {
    spec: { kind: "cron", expression: times } as const,
    ...(timezone && { timezone }),
    ...(user && { user }),
    env,
    ...splitCommand(rest),
    warnings: [...warnings, ...warningsOf(env)],
  }
}

function withUser(text: string): { user: string; rest: string } {
  const [, user = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
  if (/^[A-Za-z_][\w.-]*\$?$/.test(user)) return { user, rest }
  throw invalid(
    "invalid_crontab",
    `"${user}" stands where the user should`,
    "In /etc/crontab and /etc/cron.d the user comes before the command; crontab -l has none.",
  )
}

/** The first `%` ends the command; behind it each is the end of a line of input; `\%` is a plain one. */
function splitCommand(text: string): { command: string; stdin?: string } {
  const [command = "", ...lines] = text.split(/(?<!\\)%/).map((part) => part.replaceAll("\\%", "%"))
  return { command: command.trimEnd(), ...(lines.length > 0 && { stdin: `${lines.join("\n")}\n` }) }
}

function warningsOf(env: Readonly<Record<string, string>>): readonly string[] {
  const warnings: string[] = []
  if (env.MAILTO) warnings.push(`output is not mailed to ${env.MAILTO}: it is kept with each run`)
  if (env.TZ) warnings.push("TZ is given to the command; for the times cron reads CRON_TZ, and so does Stem")
  return warnings
}
