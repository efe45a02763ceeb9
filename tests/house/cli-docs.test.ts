import { expect, test } from "bun:test"
import { ROOT as TREE } from "../../src/commands/index.ts"
import type { Command, Entry } from "../../src/commands/shell/command.ts"
import { EXIT } from "../../src/commands/shell/exit.ts"
import { SHELL_FLAGS, STORE_FLAGS } from "../../src/commands/shell/flags.ts"
import { SETTINGS, type Setting } from "../../src/core/config/settings.ts"
import { filesOf, read, withoutComments } from "./tree.ts"

const page = () => read("docs/cli.md")

async function commandsOf(entry: Entry, path: readonly string[] = []): Promise<[string, Command][]> {
  if (entry.hidden) return []
  const own: [string, Command][] = entry.load ? [[path.join(" "), (await entry.load()).default]] : []
  const children = Object.entries(entry.children ?? {}).map(([name, child]) =>
    commandsOf(child, [...path, name]),
  )
  return [...own, ...(await Promise.all(children)).flat()]
}
const commands = await commandsOf(TREE)

/** Only what stands in code counts: `--flag` in a sentence's backquotes, or in a block. */
const codeOf = (text: string) => (text.match(/```[\s\S]*?```|`[^`\n]+`/g) ?? []).join("\n")
const flagsIn = (text: string) =>
  new Set([...codeOf(text).matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, flag]) => flag as string))
const variablesIn = (text: string) => new Set(text.match(/\bSTEM_[A-Z_]*[A-Z]\b/g) ?? [])
const keysOf = (value: object) => Object.keys(value)

/** Not for people: set by a worker for its children, and by the build for itself. */
const INTERNAL = new Set(["STEM_ISOLATE", "STEM_BUILD_COMMIT"])

const settings = Object.values(SETTINGS) as Setting[]
const known = {
  flags: new Set([...keysOf(SHELL_FLAGS), ...commands.flatMap(([, command]) => keysOf(command.flags))]),
  variables: new Set([
    ...settings.flatMap(({ env, secret, passwordFile }) => [
      ...(env ? (secret ? [env, `${env}_FILE`, `${env}_COMMAND`] : [env]) : []),
      ...(passwordFile ? [passwordFile] : []),
    ]),
    ...filesOf("src/{commands,runtime}/**/*.ts").flatMap((path) => [
      ...variablesIn(withoutComments(read(path))),
    ]),
  ]),
}

/** The text under `### stem <command>`, by command. */
const sectionsOf = (text: string) =>
  new Map(
    text
      .split(/^### stem /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section.split(/^## /m)[0] as string]),
  )

/** The flags of a section: its table by name with what is said about them, and those of its last line. */
function flagsOfSection(section: string) {
  const rows = [...section.matchAll(/^\| `(?:-\w, )?--([a-z-]+)[^|]*\| (.*?) +\|$/gm)]
  const also = /^Also: [\s\S]*?\.$/m.exec(section)?.[0] ?? ""
  return {
    about: new Map(rows.map(([, flag, about]) => [flag as string, (about as string).replace(/\\\|/g, "|")])),
    also: [...flagsIn(also), ...(also.includes("the store's flags") ? keysOf(STORE_FLAGS) : [])],
  }
}

test("every command has its section and every section its command", () => {
  const groups = keysOf(TREE.children ?? {}).filter((name) => TREE.children?.[name]?.children)
  const names = new Set([...commands.map(([name]) => name), ...groups])
  expect(commands.length).toBeGreaterThan(20)
  expect(new Set(sectionsOf(page()).keys())).toEqual(names)
})

test("every section names its command's flags, no other, and says the same as the help", () => {
  const sections = sectionsOf(page())
  for (const [name, { flags }] of commands) {
    const { about, also } = flagsOfSection(sections.get(name) ?? "")
    expect({ name, flags: [...about.keys(), ...also].sort() }).toEqual({ name, flags: keysOf(flags).sort() })
    for (const [flag, text] of about) expect(`--${flag} ${text}`).toBe(`--${flag} ${flags[flag]?.about}`)
  }
})

test("a section is read", () => {
  const section =
    "worker\n\n| `-y, --yes`    | do it    |\n| `--rate 5/s`  | slowly |\n\nAlso: the store's flags, `--output`.\n"
  const { about, also } = flagsOfSection(section)
  expect([...about]).toEqual([
    ["yes", "do it"],
    ["rate", "slowly"],
  ])
  expect(also).toEqual(["output", ...keysOf(STORE_FLAGS)])
  expect([...sectionsOf("a\n### stem x\nb\n### stem y z\nc\n## d\ne\n").keys()]).toEqual(["x", "y z"])
})

test("every flag is documented", () => {
  const documented = flagsIn(page())
  expect([...known.flags].filter((flag) => !documented.has(flag))).toEqual([])
})

test("every documented flag exists", () => {
  expect([...flagsIn(page())].filter((flag) => !known.flags.has(flag))).toEqual([])
})

test("every setting is a flag of a command and a line of the page", () => {
  const text = page()
  for (const [key, { flag, file }] of Object.entries(SETTINGS) as [string, Setting][]) {
    if (flag) expect([...known.flags]).toContain(flag)
    if (file) expect({ key, documented: text.includes(key) }).toEqual({ key, documented: true })
  }
})

test("every variable is documented and every documented variable exists", () => {
  const documented = variablesIn(page())
  expect([...known.variables].filter((name) => !documented.has(name) && !INTERNAL.has(name))).toEqual([])
  expect([...documented].filter((name) => !known.variables.has(name))).toEqual([])
})

test("every exit code is documented", () => {
  const text = page()
  const missing = Object.values(EXIT).filter(
    (code) => !new RegExp(`^\\| *\`?(?:\\d+, )?${code}\\b`, "m").test(text),
  )
  expect(missing).toEqual([])
})

test("flags and variables are read from a page", () => {
  const text =
    "Use `--dry-run` or `stem x --all=3`; not --plain.\n```sh\nstem y --yes\n```\nSTEM_BROKER_URL and STEM_X."
  expect([...flagsIn(text)]).toEqual(["dry-run", "all", "yes"])
  expect([...variablesIn(text)]).toEqual(["STEM_BROKER_URL", "STEM_X"])
})
