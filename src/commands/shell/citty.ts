import { type ArgsDef, type CommandDef, runCommand } from "citty"
import type { Call, Command, Entry, Flag, Flags } from "./command.ts"
import type { ExitCode } from "./exit.ts"

/**
 * Runs a command by citty: its definition in citty's words, its life cycle, its errors. What was written on the
 * command line has been read and checked before by arguments.ts, because citty takes unknown flags as they come and
 * knows neither repeated flags nor flags whose value may be left out; docs/decisions/002 tells more.
 */
export async function runByCitty(
  path: readonly string[],
  entry: Entry,
  command: Command,
  call: Call<Flags>,
  tokens: readonly string[],
): Promise<ExitCode> {
  const definition: CommandDef = {
    meta: { name: ["stem", ...path].join(" "), description: entry.about, hidden: entry.hidden ?? false },
    args: argsOf(command.flags),
    run: () => command.run(call),
  }
  const { result } = await runCommand(definition, { rawArgs: [...tokens] })
  return result as ExitCode
}

const argsOf = (flags: Flags): ArgsDef =>
  Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, argOf(flag)]))

function argOf(flag: Flag): ArgsDef[string] {
  const shared = { description: flag.about, ...(flag.short && { alias: flag.short }) }
  if (flag.kind === "switch") return { type: "boolean", ...shared }
  return { type: "string", valueHint: flag.hint, ...shared }
}
