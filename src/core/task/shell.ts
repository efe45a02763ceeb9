import * as v from "valibot"
import { invalid } from "../kit/errors.ts"
import { deepFreeze } from "../kit/freeze.ts"
import { Failure } from "./failure.ts"

/** The name of the task whose input is a command. A worker knows it only when it was started with `--shell`. */
export const SHELL_TASK = "shell"

/** A command to run: the input of the task {@link SHELL_TASK}. */
export interface ShellInput {
  /** The program, looked up in PATH unless it has a slash, and its arguments. No shell reads them. */
  readonly argv: readonly string[]
  /** An absolute path; where it is absent, the worker's own. */
  readonly cwd?: string | undefined
  /** Beside the worker's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Octal, as in `027`. */
  readonly umask?: string | undefined
  /** -20 (first) to 19 (last). */
  readonly nice?: number | undefined
  /** A name or a number. Only a worker that runs as root can become somebody else. */
  readonly user?: string | undefined
  /** A text as it is, anything else as JSON; absent: nothing to read. */
  readonly stdin?: unknown
  /** `sh -c` reads argv[0] as a script, the others are its $1, $2 and so on. */
  readonly useShell?: boolean | undefined
}

const wholeText = v.check(
  (text: string) => !text.includes("\0"),
  "holds a NUL, which no program can be handed",
)
const Words = v.pipe(
  v.array(v.pipe(v.string("is not a text"), wholeText), "is not a list of texts"),
  v.check((words) => (words[0] ?? "") !== "", "names no command"),
)

// Strict: a worker that did not know `user` and ran the command all the same would run it as somebody else.
const ShellInputSchema: v.GenericSchema<unknown, ShellInput> = v.strictObject({
  argv: Words,
  cwd: v.optional(v.pipe(v.string(), wholeText, v.startsWith("/", "is not an absolute path"))),
  env: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a variable's name")),
      v.pipe(v.string("is not a text"), wholeText),
    ),
  ),
  umask: v.optional(v.pipe(v.string(), v.regex(/^0?[0-7]{3}$/, "is not octal, as in 027"))),
  nice: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-20), v.maxValue(19))),
  user: v.optional(
    v.pipe(v.string(), v.regex(/^(?:\d{1,10}|[A-Za-z_][\w.@-]{0,99}\$?)$/, "is not a user's name")),
  ),
  stdin: v.optional(v.unknown()),
  useShell: v.optional(v.boolean()),
}) as v.GenericSchema<unknown, ShellInput>

/** Checks and freezes a command. Throws `invalid_command` naming the field. */
export function parseShellInput(value: unknown): ShellInput {
  const parsed = v.safeParse(ShellInputSchema, value, { abortEarly: true })
  if (parsed.success) return deepFreeze(parsed.output)
  const issue = parsed.issues[0]
  throw invalid("invalid_command", `${v.getDotPath(issue) ?? "the command"}: ${issue.message}`)
}

/** What a command has written: the end of each stream, and how much there was in all, in characters. */
export interface ShellOutput {
  readonly stdout: string
  readonly stderr: string
  readonly written: { readonly stdout: number; readonly stderr: number }
}

const Written = v.looseObject({ stdout: v.number(), stderr: v.number() })
const output = { stdout: v.string(), stderr: v.string(), written: Written }

/** What a running command says of itself, as the data of its progress. */
export interface ShellProgress extends ShellOutput {
  readonly attempt: number
}

/** The result of a command that exited with 0. */
export interface ShellResult extends ShellOutput {
  readonly exitCode: number
  /** More was written than is kept. */
  readonly truncated: boolean
}

/** Why a command failed, with what it had written. */
export interface ShellFailure extends Failure {
  /** Absent when a signal ended it, or it was never started. */
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly output?: ShellOutput | undefined
}

/** Reads the data of a progress; undefined for what no command has said. */
export const readShellProgress = reader<ShellProgress>(v.looseObject({ attempt: v.number(), ...output }))

/** Reads a task's result; undefined for what no command has left. */
export const readShellResult = reader<ShellResult>(
  v.looseObject({ exitCode: v.number(), truncated: v.boolean(), ...output }),
)

/** Reads a task's error; undefined for one that no command has left. */
export const readShellFailure = reader<ShellFailure>(
  v.intersect([
    Failure,
    v.looseObject({
      exitCode: v.optional(v.number()),
      signal: v.optional(v.string()),
      output: v.looseObject(output),
    }),
  ]),
)

function reader<T>(schema: v.GenericSchema<unknown, unknown>): (value: unknown) => T | undefined {
  return (value) => {
    const parsed = v.safeParse(schema, value)
    return parsed.success ? (parsed.output as T) : undefined
  }
}
