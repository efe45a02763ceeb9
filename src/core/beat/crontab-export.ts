import type { Schedule } from "../task/schedule.ts"
import { MACROS } from "./cron.ts"

/** A crontab, and the schedules that cron can not express, which stand in it as comments. */
export interface ExportedCrontab {
  readonly text: string
  readonly left: readonly { readonly name: string; readonly reason: string }[]
  /** Schedules that stand in it, but for these parts of what they say. */
  readonly reduced: readonly { readonly name: string; readonly lost: readonly string[] }[]
}

/** What cron is to run: a line for its shell, what that reads, and what of it cron has no word for. */
export interface CronCommand {
  readonly command: string
  readonly stdin?: string
  readonly lost?: readonly string[]
}

/**
 * Writes schedules as lines of a crontab, under `CRON_TZ` of their zone, with what `commandOf` says as the command.
 * What cron has no word for (a start, jitter, what to do with missed instants …) is said in a comment above the line.
 */
export function toCrontab(
  schedules: readonly Schedule[],
  commandOf: (schedule: Schedule) => CronCommand,
): ExportedCrontab {
  const lines: string[] = []
  const left: { name: string; reason: string }[] = []
  const reduced: { name: string; lost: readonly string[] }[] = []
  let zone: string | undefined
  for (const schedule of schedules) {
    const { name, timezone } = schedule
    const times = timesOf(schedule)
    const { command, stdin, lost: unsaid = [] } = commandOf(schedule)
    const reason =
      "reason" in times ? times.reason : command.includes("\n") ? "a command of many lines" : undefined
    if (reason !== undefined) {
      left.push({ name, reason })
      lines.push(`# ${name}: cron can not express ${reason}`)
      continue
    }
    if (timezone !== zone) lines.push(`CRON_TZ=${timezone}`)
    zone = timezone
    const lost = [...unsaid, ...lostOf(schedule)]
    if (lost.length > 0) reduced.push({ name, lost })
    lines.push(`# ${name}${lost.length ? `, without: ${lost.join(", ")}` : ""}`)
    lines.push(
      `${"times" in times ? times.times : ""} ${escaped(command)}${stdin === undefined ? "" : read(stdin)}`,
    )
  }
  return { text: lines.map((line) => `${line}\n`).join(""), left, reduced }
}

const escaped = (text: string) => text.replaceAll("%", "\\%")

/** Behind the first bare `%` stands what the command reads; each further one is a line's end, and one ends it all. */
const read = (stdin: string) => `%${stdin.replace(/\n$/, "").split("\n").map(escaped).join("%")}`

function timesOf({ spec }: Schedule): { times: string } | { reason: string } {
  switch (spec.kind) {
    case "cron": {
      const trimmed = spec.expression.trim().replace(/\s+/g, " ")
      const fields = (MACROS[trimmed.toLowerCase()] ?? trimmed).split(" ")
      if (fields.length === 6 && fields.shift() !== "0") return { reason: "seconds" }
      if (/[LW#?]/i.test(`${fields[2]} ${fields[4]?.replace(/[a-z]{3}/gi, "1")}`))
        return { reason: "L, W, # and ?" }
      return { times: fields.map(plain).join(" ") }
    }
    case "every": {
      // Offsets of zones are whole quarters of an hour, so only parts of a quarter stay the same on every clock.
      const minutes = spec.everyMs / 60_000
      if (Number.isInteger(minutes) && 15 % minutes === 0 && spec.anchor % spec.everyMs === 0)
        return { times: `${minutes === 1 ? "*" : `*/${minutes}`} * * * *` }
      return { reason: "this interval" }
    }
    default:
      return { reason: { at: "a single instant", rrule: "a calendar rule", solar: "the sun" }[spec.kind] }
  }
}

const LAST = [59, 23, 31, 12, 6]

/** As Vixie cron can read it: `5/20` and ranges that end with Sunday are not its own. */
const plain = (field: string, index: number): string =>
  field
    .replace(/(^|,)(\w+)(?=\/)/g, `$1$2-${LAST[index]}`)
    .replace(/-(?:sun|0)\b/gi, index === 4 ? "-7" : "$&")

function lostOf(schedule: Schedule): readonly string[] {
  const { dst, overlap, options } = schedule
  const lost = {
    start: schedule.startAt !== undefined,
    end: schedule.endAt !== undefined,
    "maximum of runs": schedule.maxRuns !== undefined,
    jitter: Boolean(schedule.jitterMs),
    "daylight saving policy": dst.gap !== "run" || dst.overlap !== "once",
    "overlap policy": overlap !== "allow",
    "pause after failures": schedule.pauseAfterFailures !== undefined,
    // cron does not try again either.
    options: Object.keys(options).some((name) => name !== "retry") || (options.retry?.max ?? 0) > 0,
  }
  return Object.entries(lost).flatMap(([what, is]) => (is ? [what] : []))
}
