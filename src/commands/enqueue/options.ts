import { parseDuration } from "../../core/kit/duration.ts"
import { invalid, StemError } from "../../core/kit/errors.ts"
import { parseInstant } from "../../core/kit/instant.ts"
import type { EnqueueOptions } from "../../core/task/options.ts"
import type { Flags } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"
import { durationFlag, instantFlag, wholeFlag } from "../shell/times.ts"

/** The flags of commands that send a task, as they are told to people. */
export const TASK_FLAGS = {
  queue: { kind: "value", hint: "NAME", about: "the queue (default: default)" },
  priority: { kind: "value", hint: "0-9", about: "9 is taken first (default: 5)" },
  delay: { kind: "value", hint: "10m", about: "not before this much from now" },
  at: { kind: "value", hint: "T", about: "not before this instant" },
  expires: { kind: "value", hint: "T", about: "not later than this instant, or this much from now" },
  retries: { kind: "value", hint: "N", about: "retries after the first attempt" },
  timeout: { kind: "value", hint: "T", about: "hard limit of one attempt: its process is killed" },
  "soft-timeout": { kind: "value", hint: "T", about: "soft limit of one attempt: its signal aborts" },
  header: { kind: "list", hint: "K=V", about: "a header for the handler; may be repeated" },
  id: { kind: "value", hint: "ID", about: "your own id; a known id is not enqueued again" },
  unique: {
    kind: "optional",
    hint: "KEY",
    about: "no double while one waits or runs; the key is the input, or KEY",
  },
  "unique-for": { kind: "value", hint: "1h", about: "nor another within this time" },
  "unique-mode": { kind: "value", hint: "MODE", about: "live, window, throttle, debounce or replace" },
  fair: { kind: "value", hint: "KEY", about: "take turns by this key with others of the queue" },
  "fail-on-duplicate": { kind: "switch", about: "exit 6 when the id is known, or its key taken" },
} as const satisfies Flags

/** The flags that say something about the task itself. */
export interface TaskFlags {
  readonly queue?: string | undefined
  readonly priority?: string | undefined
  readonly delay?: string | undefined
  readonly at?: string | undefined
  readonly expires?: string | undefined
  readonly retries?: string | undefined
  readonly timeout?: string | undefined
  readonly "soft-timeout"?: string | undefined
  readonly header: readonly string[]
  readonly id?: string | undefined
  readonly unique?: string | true | undefined
  readonly "unique-for"?: string | undefined
  readonly "unique-mode"?: string | undefined
  readonly fair?: string | undefined
}

/** Options from flags. Where nothing is said nothing is set, so that the task's definition decides. */
export function optionsFromFlags(flags: TaskFlags): EnqueueOptions {
  if (flags.delay !== undefined && flags.at !== undefined)
    throw usage("--delay and --at say the same thing twice", "Give one of them.")
  const at = instantFlag("--at", flags.at)
  const expires = instantFlag("--expires", flags.expires)
  return present({
    id: flags.id,
    queue: flags.queue,
    priority: wholeFlag("--priority", flags.priority, 0, 9),
    delay: durationFlag("--delay", flags.delay),
    at: at === undefined ? undefined : new Date(at),
    expires: expires === undefined ? undefined : new Date(expires),
    retries: wholeFlag("--retries", flags.retries, 0, 1000),
    timeout: limit("--timeout", flags.timeout),
    softTimeout: limit("--soft-timeout", flags["soft-timeout"]),
    headers: flags.header.length === 0 ? undefined : Object.fromEntries(flags.header.map(header)),
    unique: uniqueFlags(flags),
    fair: flags.fair,
  })
}

const MODES = ["live", "window", "throttle", "debounce", "replace"] as const

function uniqueFlags(flags: TaskFlags): EnqueueOptions["unique"] {
  const { unique, "unique-for": length, "unique-mode": named } = flags
  if (unique === undefined && length === undefined && named === undefined) return undefined
  const mode = MODES.find((one) => one === named)
  if (named !== undefined && !mode) throw usage(`--unique-mode: "${named}" is none of ${MODES.join(", ")}`)
  const ms = durationFlag("--unique-for", length)
  return {
    ...(typeof unique === "string" && { key: unique }),
    ...(mode && { mode }),
    ...(ms !== undefined && { for: ms }),
  }
}

function limit(flag: string, value: string | undefined) {
  const ms = durationFlag(flag, value)
  if (ms === 0) throw usage(`${flag}: a limit of nothing can not be kept`, "Leave it out for no limit.")
  return ms
}

function header(text: string): [string, string] {
  const equals = text.indexOf("=")
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  throw usage(`--header: "${text}" is not key=value`)
}

/** A line of a file of tasks. */
export interface Line {
  readonly task?: string | undefined
  readonly input?: unknown
  readonly options: EnqueueOptions
}

const FIELDS: Record<string, (value: unknown) => Partial<EnqueueOptions>> = {
  id: (value) => ({ id: text(value) }),
  queue: (value) => ({ queue: text(value) }),
  priority: (value) => ({ priority: whole(value) }),
  delay: (value) => ({ delay: parseDuration(value as string | number) }),
  at: (value) => ({ at: instant(value) }),
  expires: (value) => ({ expires: instant(value) }),
  retries: (value) => ({ retries: whole(value) }),
  timeout: (value) => ({ timeout: parseDuration(value as string | number) }),
  softTimeout: (value) => ({ softTimeout: parseDuration(value as string | number) }),
  headers: (value) => ({ headers: headers(value) }),
  unique: (value) => ({ unique: readUnique(value) }),
  fair: (value) => ({ fair: readFair(value) }),
}

/** Names what a line may hold. */
export const LINE_FIELDS = ["task", "input", ...Object.keys(FIELDS)]

/** Reads one line's object. Throws the sentence of what is wrong with it. */
export function readLine(value: unknown): Line {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("malformed_line", "it is not a JSON object")
  const options: EnqueueOptions = {}
  let task: string | undefined
  let input: unknown
  const fields = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(fields)) {
    const given = fields[name]
    if (name === "input") input = given
    else if (name === "task") task = typeof given === "string" ? given : at(name, () => text(given))
    else if (!Object.hasOwn(FIELDS, name))
      throw invalid("malformed_line", `unknown field "${name}"`, `Fields: ${LINE_FIELDS.join(", ")}.`)
    else if (given !== null && given !== undefined)
      Object.assign(
        options,
        at(name, () => FIELDS[name]?.(given)),
      )
  }
  if (options.at !== undefined && options.delay !== undefined)
    throw invalid("malformed_line", "delay and at say the same thing twice")
  return { task, input, options }
}

function at<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StemError) throw invalid("malformed_line", `${name}: ${error.message}`, error.hint)
    throw invalid("malformed_line", `${name}: it can not be read`, undefined, error)
  }
}

function text(value: unknown): string {
  if (typeof value === "string") return value
  throw invalid("malformed_line", "it is not a text")
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value
  throw invalid("malformed_line", "it is not a whole number")
}

/** Seconds or milliseconds since 1970 would be a guess: an instant is text. */
const instant = (value: unknown) => new Date(parseInstant(text(value), Date.now()))

function headers(value: unknown): Record<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : undefined
  if (entries?.every(([, one]) => typeof one === "string")) return Object.fromEntries(entries)
  throw invalid("malformed_line", "they are not an object of texts")
}

function readUnique(value: unknown): NonNullable<EnqueueOptions["unique"]> {
  if (typeof value === "boolean" || typeof value === "string") return value
  if (typeof value !== "object" || value === null)
    throw invalid("malformed_line", "it is true, a key, or { key, mode, for }")
  const { key, mode, for: length, ...more } = value as Record<string, unknown>
  const [unknown] = Object.keys(more)
  if (unknown !== undefined) throw invalid("malformed_line", `unknown field "${unknown}"`)
  if (mode !== undefined && !MODES.includes(mode as "live"))
    throw invalid("malformed_line", `mode is one of ${MODES.join(", ")}`)
  return {
    ...(key !== undefined && { key: text(key) }),
    ...(mode !== undefined && { mode: mode as "live" }),
    ...(length !== undefined && { for: parseDuration(length as string | number) }),
  }
}

function readFair(value: unknown): NonNullable<EnqueueOptions["fair"]> {
  if (typeof value === "string") return value
  const { key, weight, ...more } = (value ?? {}) as Record<string, unknown>
  const [unknown] = Object.keys(more)
  if (unknown !== undefined) throw invalid("malformed_line", `unknown field "${unknown}"`)
  return { key: text(key), ...(weight !== undefined && { weight: whole(weight) }) }
}

/** Without the fields nobody set. */
const present = (options: { [K in keyof EnqueueOptions]: EnqueueOptions[K] | undefined }): EnqueueOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
