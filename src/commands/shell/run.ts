import { StemError } from "../../core/kit/errors.ts"
import { checkOperands, parseArguments } from "./arguments.ts"
import type { Call, Command, Entry, Flags, Shell } from "./command.ts"
import { EXIT, type ExitCode, usage } from "./exit.ts"
import { SHELL_FLAGS } from "./flags.ts"
import { commandHelp, groupHelp } from "./help.ts"
import type { Route } from "./route.ts"

/** Runs the command of a route, or shows its help. Throws what the command throws. */
export async function runRoute(
  { path, entry, rest }: Route,
  examples: Readonly<Record<string, Command["examples"]>>,
  shell: Shell,
): Promise<ExitCode> {
  if (!entry.load) return group(path, entry, rest, examples[path.join(" ")] ?? [], shell)
  const { default: command } = await entry.load()
  if (asksForHelp(rest)) {
    await shell.stdout.write(commandHelp(path, entry, command, shell.paint))
    return EXIT.done
  }
  const parsed = withPointer(path, () => parseArguments(rest, { ...command.flags, ...SHELL_FLAGS }))
  checkOperands(parsed, command.operands, ["stem", ...path, command.usage].join(" ").trim())
  const call = { flags: parsed.flags, operands: parsed.operands, shell } as unknown as Call<Flags>
  // Help does not pay for it.
  const { runByCitty } = await import("./citty.ts")
  return runByCitty(path, entry, command, call, rest)
}

/** A mistake that has no better advice points to the help. */
function withPointer<T>(path: readonly string[], read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StemError && error.hint === undefined)
      throw usage(error.message, `See ${["stem", ...path].join(" ")} --help.`)
    throw error
  }
}

const asksForHelp = (tokens: readonly string[]) => {
  const end = tokens.indexOf("--")
  const before = end < 0 ? tokens : tokens.slice(0, end)
  return before.includes("--help") || before.includes("-h")
}

async function group(
  path: readonly string[],
  entry: Entry,
  rest: readonly string[],
  examples: Command["examples"],
  shell: Shell,
): Promise<ExitCode> {
  const help = groupHelp(path, entry, examples, shell.paint)
  if (asksForHelp(rest)) {
    await shell.stdout.write(help)
    return EXIT.done
  }
  withPointer(path, () => parseArguments(rest, SHELL_FLAGS))
  const name = ["stem", ...path].join(" ")
  const names = Object.keys(entry.children ?? {}).filter((child) => !entry.children?.[child]?.hidden)
  throw usage(`${name} needs a command`, `Commands: ${names.join(", ")}. See ${name} --help.`)
}
