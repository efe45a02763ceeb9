import { StemError } from "../../core/kit/errors.ts"
import { parseShellInput, type ShellInput } from "../../core/task/shell.ts"
import type { Flags } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"
import { wholeFlag } from "../shell/times.ts"

/** How a command is to be run, as it is told to people. */
export const COMMAND_FLAGS = {
  cwd: { kind: "value", hint: "PATH", about: "the folder it runs in (default: the worker's)" },
  env: { kind: "list", hint: "K=V", about: "a variable for it; may be repeated" },
  stdin: { kind: "value", hint: "TEXT", about: "what it reads; - is this command's own stdin" },
  sh: { kind: "switch", about: "let sh -c read the first word as a script" },
  user: { kind: "value", hint: "NAME", about: "run it as this user; the worker has to be root" },
  umask: { kind: "value", hint: "027", about: "the rights its files do not get" },
  nice: { kind: "value", hint: "N", about: "its niceness, from -20 to 19" },
} as const satisfies Flags

/** What the flags say. */
export interface CommandFlags {
  readonly cwd?: string | undefined
  readonly env: readonly string[]
  readonly stdin?: string | undefined
  readonly sh: boolean
  readonly user?: string | undefined
  readonly umask?: string | undefined
  readonly nice?: string | undefined
}

/** The command as it stands on the command line. Throws a mistake of usage for what no worker could run. */
export async function commandFromFlags(
  argv: readonly string[],
  flags: CommandFlags,
  stdin: () => Promise<string>,
): Promise<ShellInput> {
  const nice = wholeFlag("--nice", flags.nice, -20, 19)
  const { cwd, user, umask } = flags
  const text = flags.stdin === "-" ? await stdin() : flags.stdin
  const command = {
    argv,
    ...(cwd !== undefined && { cwd }),
    ...(flags.env.length > 0 && { env: Object.fromEntries(flags.env.map(variable)) }),
    ...(umask !== undefined && { umask }),
    ...(nice !== undefined && { nice }),
    ...(user !== undefined && { user }),
    ...(text !== undefined && { stdin: text }),
    ...(flags.sh && { useShell: true }),
  }
  try {
    return parseShellInput(command)
  } catch (error) {
    if (error instanceof StemError) throw usage(error.message, error.hint)
    throw error
  }
}

function variable(text: string): [string, string] {
  const equals = text.indexOf("=")
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  throw usage(`--env: "${text}" is not NAME=value`)
}
