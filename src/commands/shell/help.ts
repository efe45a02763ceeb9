import type { Command, Entry, Flag, Flags } from "./command.ts"
import { SHELL_FLAGS } from "./flags.ts"
import type { Paint } from "./terminal.ts"

/** Help of a group: `stem`, `stem queue`. Examples first. */
export function groupHelp(
  path: readonly string[],
  entry: Entry,
  examples: Command["examples"],
  paint: Paint,
) {
  const name = ["stem", ...path].join(" ")
  const commands = Object.entries(entry.children ?? {}).filter(([, child]) => !child.hidden)
  return joined(
    `${paint("bold", name)}: ${entry.about}`,
    section("Examples", examples.map(example(paint)), paint),
    section(
      "Commands",
      columns(
        commands.map(([child, { about }]) => [child, about]),
        paint,
      ),
      paint,
    ),
    `More about one: ${name} <command> --help`,
  )
}

/** Help of one command. */
export function commandHelp(path: readonly string[], entry: Entry, command: Command, paint: Paint): string {
  const name = ["stem", ...path].join(" ")
  const children = Object.entries(entry.children ?? {})
  return joined(
    `${paint("bold", name)}: ${entry.about}`,
    section("Examples", command.examples.map(example(paint)), paint),
    section("Usage", [`${name}${command.usage ? ` ${command.usage}` : ""} [options]`], paint),
    children.length === 0
      ? ""
      : section(
          "Commands",
          columns(
            children.map(([child, { about }]) => [child, about]),
            paint,
          ),
          paint,
        ),
    section("Options", flagLines({ ...command.flags, ...SHELL_FLAGS }, paint), paint),
    command.notes ?? "",
  )
}

const joined = (...parts: string[]) => `${parts.filter((part) => part !== "").join("\n\n")}\n`

const section = (title: string, lines: readonly string[], paint: Paint) =>
  lines.length === 0 ? "" : [paint("bold", title), ...lines.map((line) => `  ${line}`)].join("\n")

const example =
  (paint: Paint) =>
  ([line, about]: readonly [string, string]) =>
    `${paint("cyan", line)}\n      ${paint("dim", about)}`

function columns(rows: readonly (readonly [string, string])[], paint: Paint): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${paint("cyan", left)}${" ".repeat(width - left.length + 2)}${right}`)
}

const flagLines = (flags: Flags, paint: Paint) =>
  columns(
    Object.entries(flags).map(([name, flag]) => [written(name, flag), about(flag)] as const),
    paint,
  )

function written(name: string, flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : ""
  if (flag.kind === "switch") return `${short}--${name}`
  return flag.kind === "optional" ? `${short}--${name}[=${flag.hint}]` : `${short}--${name} ${flag.hint}`
}

const about = (flag: Flag) => {
  const choices = flag.kind === "value" && flag.choices ? flag.choices : []
  const missing = choices.filter((choice) => !flag.about.includes(choice))
  return missing.length === 0 ? flag.about : `${flag.about}: ${choices.join(", ")}`
}
