import { invalid } from "../../core/kit/errors.ts"
import { scheduleOf } from "../../core/task/define-schedule.ts"
import { type Schedule, SOLAR_EVENTS } from "../../core/task/schedule.ts"
import { parseShellInput, SHELL_TASK } from "../../core/task/shell.ts"
import type { Flags, Given } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"
import { readJson } from "../shell/json.ts"
import { instantFlag, wholeFlag } from "../shell/times.ts"

/** The flags that say when. */
export const TIMES_FLAGS = {
  cron: { kind: "value", hint: "EXPR", about: "five fields, six with seconds first, or @daily and its like" },
  every: { kind: "value", hint: "90s", about: "an interval, anchored, so that it does not drift" },
  at: { kind: "value", hint: "T", about: "one instant" },
  rrule: { kind: "value", hint: "RULE", about: "a calendar rule of RFC 5545: FREQ=MONTHLY;BYDAY=-1FR" },
  solar: { kind: "value", hint: "WHERE", about: 'the sun at a place: "sunset 52.52 13.40 -30m"' },
  timezone: { kind: "value", hint: "ZONE", about: "the time zone, as in Europe/Berlin (default: UTC)" },
  "start-at": { kind: "value", hint: "T", about: "not before this instant" },
  "end-at": { kind: "value", hint: "T", about: "not at or after this instant" },
  "dst-gap": {
    kind: "value",
    hint: "HOW",
    about: "times in the hour that is missing: run (at its end) or skip",
    choices: ["run", "skip"],
  },
  "dst-overlap": {
    kind: "value",
    hint: "HOW",
    about: "times in the hour that comes twice: once or twice",
    choices: ["once", "twice"],
  },
} as const satisfies Flags

/** The flags that say what else is known of a schedule. */
export const DEFINITION_FLAGS = {
  ...TIMES_FLAGS,
  task: { kind: "value", hint: "NAME", about: "the task to enqueue; or a command behind --" },
  input: { kind: "value", hint: "JSON", about: "the task's input" },
  "max-runs": { kind: "value", hint: "N", about: "it is over after so many firings" },
  jitter: { kind: "value", hint: "30s", about: "each firing waits up to so long, smaller than the interval" },
  misfire: {
    kind: "value",
    hint: "HOW",
    about: "instants nobody was there to fire: skip, last or all (default: last)",
    choices: ["skip", "last", "all"],
  },
  "misfire-window": { kind: "value", hint: "1h", about: "missed by more than this: never made up for" },
  "misfire-max": { kind: "value", hint: "N", about: "the most that all makes up for at once" },
  overlap: {
    kind: "value",
    hint: "HOW",
    about: "the task before has not ended: allow, skip, queue-one or cancel-previous",
    choices: ["allow", "skip", "queue-one", "cancel-previous"],
  },
  "pause-after-failures": { kind: "value", hint: "N", about: "pause after so many failures in a row" },
  queue: { kind: "value", hint: "NAME", about: "the queue (default: default)" },
  priority: { kind: "value", hint: "0-9", about: "9 is taken first (default: 5)" },
  retries: { kind: "value", hint: "N", about: "retries after the first attempt" },
  timeout: { kind: "value", hint: "T", about: "hard limit of one attempt: its process is killed" },
  "soft-timeout": { kind: "value", hint: "T", about: "soft limit of one attempt: its signal aborts" },
  expires: { kind: "value", hint: "T", about: "a firing's task may start until so long after its instant" },
  header: { kind: "list", hint: "K=V", about: "a header for the handler; may be repeated" },
} as const satisfies Flags

type Times = Given<typeof TIMES_FLAGS>
type Definition = Given<typeof DEFINITION_FLAGS>

/** What the flags say of times, in the words of a definition. */
function timesOf(flags: Times): Record<string, unknown> {
  const instant = (flag: string, value: string | undefined) => {
    const at = instantFlag(flag, value)
    return at === undefined ? undefined : new Date(at)
  }
  return {
    ...{ cron: flags.cron, every: flags.every, rrule: flags.rrule, timezone: flags.timezone },
    at: instant("--at", flags.at),
    solar: flags.solar === undefined ? undefined : solarOf(flags.solar),
    startAt: instant("--start-at", flags["start-at"]),
    endAt: instant("--end-at", flags["end-at"]),
    dst: present({ gap: flags["dst-gap"], overlap: flags["dst-overlap"] }),
  }
}

function solarOf(text: string) {
  const [event, latitude, longitude, offset, ...more] = text.trim().split(/[\s,@]+/)
  const place = [Number(latitude), Number(longitude)]
  if (!latitude || !longitude || place.some(Number.isNaN) || more.length > 0)
    throw usage(
      `--solar: "${text}" is not an event and a place`,
      `Write ${SOLAR_EVENTS.join(", ")}, then latitude, longitude and perhaps an offset: "sunset 52.52 13.40 -30m".`,
    )
  return { event, latitude: place[0], longitude: place[1], ...(offset && { offset }) }
}

/** The schedule that flags and operands mean: a task, or the command behind `--`. */
export function scheduleFromFlags(name: string, command: readonly string[], flags: Definition): Schedule {
  if (command.length > 0 && (flags.task !== undefined || flags.input !== undefined))
    throw usage("a command stands in place of --task and --input", "Give one or the other.")
  if (command.length === 0 && flags.task === undefined)
    throw usage(`what is ${name} to run?`, "Give --task NAME, or a command behind --.")
  const whole = (flag: keyof Definition & string, most = 1_000_000_000) =>
    wholeFlag(`--${flag}`, flags[flag] as string | undefined, 0, most)
  const isCommand = command.length > 0
  return scheduleOf(
    present({
      ...timesOf(flags),
      name,
      task: isCommand ? SHELL_TASK : flags.task,
      input: isCommand
        ? parseShellInput({ argv: command })
        : flags.input === undefined
          ? undefined
          : readJson(flags.input, "--input"),
      maxRuns: whole("max-runs"),
      jitter: flags.jitter,
      misfire: present({
        ...{ policy: flags.misfire, window: flags["misfire-window"], max: whole("misfire-max") },
      }),
      overlap: flags.overlap,
      pauseAfterFailures: whole("pause-after-failures"),
      ...{ queue: flags.queue, priority: whole("priority", 9), retries: whole("retries", 1000) },
      ...{ timeout: flags.timeout, softTimeout: flags["soft-timeout"], expires: flags.expires },
      headers: flags.header.length === 0 ? undefined : Object.fromEntries(flags.header.map(header)),
    }) ?? {},
    "command",
  )
}

/** A schedule of which only the times matter. */
export const timesFromFlags = (flags: Times): Schedule =>
  scheduleOf(present({ ...timesOf(flags), name: "this", task: "none" }) ?? {}, "command")

function header(text: string): [string, string] {
  const equals = text.indexOf("=")
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  throw invalid("usage", `--header: "${text}" is not key=value`)
}

/** Without what nobody said; undefined when nobody said anything. */
function present(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined)
  return said.length === 0 ? undefined : Object.fromEntries(said)
}
