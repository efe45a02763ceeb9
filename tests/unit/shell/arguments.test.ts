import { expect, test } from "bun:test"
import fc from "fast-check"
import { ROOT } from "../../../src/commands/index.ts"
import { parseArguments } from "../../../src/commands/shell/arguments.ts"
import type { Command, Entry, Flags } from "../../../src/commands/shell/command.ts"
import { SHELL_FLAGS } from "../../../src/commands/shell/flags.ts"
import { route } from "../../../src/commands/shell/route.ts"
import { StemError } from "../../../src/core/kit/errors.ts"

const FLAGS: Flags = {
  queue: { kind: "value", hint: "NAME", about: "" },
  output: { kind: "value", short: "o", hint: "F", about: "", choices: ["table", "json"] },
  wait: { kind: "optional", hint: "30s", about: "" },
  header: { kind: "list", hint: "K=V", about: "" },
  yes: { kind: "switch", short: "y", about: "" },
}
const parse = (...tokens: string[]) => parseArguments(tokens, FLAGS)

const READ: [tokens: string[], flags: Record<string, unknown>, operands: string[]][] = [
  [[], {}, []],
  [["--queue", "a"], { queue: "a" }, []],
  [["--queue=a=b"], { queue: "a=b" }, []],
  [["--queue="], { queue: "" }, []],
  [["--queue", "a", "--queue", "b"], { queue: "b" }, []],
  [["-o", "json"], { output: "json" }, []],
  [["-ojson"], { output: "json" }, []],
  [["-o=json"], { output: "json" }, []],
  [["--wait", "x"], { wait: true }, ["x"]],
  [["--wait=5s", "x"], { wait: "5s" }, ["x"]],
  [["--header", "a=1", "x", "--header=b=2"], { header: ["a=1", "b=2"] }, ["x"]],
  [["x", "-y"], { yes: true }, ["x"]],
  [["--", "--yes", "-o"], {}, ["--yes", "-o"]],
  [["-", "-5", "-.5"], {}, ["-", "-5", "-.5"]],
  [["--queue", "-5"], { queue: "-5" }, []],
  [["--queue", "-"], { queue: "-" }, []],
]
for (const [tokens, flags, operands] of READ)
  test(`read: ${JSON.stringify(tokens)}`, () => {
    const parsed = parse(...tokens)
    expect(parsed.operands).toEqual(operands)
    const nothing = { queue: undefined, output: undefined, wait: undefined, header: [], yes: false }
    expect({ ...parsed.flags }).toEqual({ ...nothing, ...flags } as never)
  })

const REFUSED: [tokens: string[], message: string, hint?: string][] = [
  [["--quue", "a"], "unknown option --quue", "Did you mean --queue?"],
  [["--constructor"], "unknown option --constructor"],
  [["--__proto__=1"], "unknown option --__proto__"],
  [["-x"], "unknown option -x"],
  [["-wait"], "unknown option -wait", "Did you mean --wait?"],
  [["--Queue=a"], "unknown option --Queue", "Did you mean --queue?"],
  [["--queue"], "--queue needs a value", "Write --queue NAME."],
  [["--queue", "--yes"], "--queue needs a value, and --yes looks like an option"],
  [["--queue", "--", "a"], "--queue needs a value, and -- looks like an option"],
  [["--yes=true"], "--yes takes no value"],
  [["-yo"], "-y takes no value"],
  [["--no-yes"], "unknown option --no-yes"],
  [["-o", "jsn"], '-o: "jsn" is none of table, json', "Did you mean json?"],
  [["--wait="], "--wait has an empty value", "Write --wait or --wait=30s."],
  [["--wait", "30s"], '--wait takes its value after "="', "Write --wait=30s."],
]
for (const [tokens, message, hint] of REFUSED)
  test(`refused: ${JSON.stringify(tokens)}`, () => {
    try {
      parse(...tokens)
    } catch (error) {
      expect(error).toMatchObject({ kind: "invalid", code: "usage", message })
      if (hint) expect((error as StemError).hint).toBe(hint)
      return
    }
    throw new Error("it was accepted")
  })

test("flags that every command knows may stand before its name", () => {
  const { path, rest } = route(["--broker", "memory:", "-h", "queue", "--debug", "pause", "x", "--yes"], ROOT)
  expect(path).toEqual(["queue", "pause"])
  expect(rest).toEqual(["--broker", "memory:", "-h", "--debug", "x", "--yes"])
})

test("stem help and stem --version are what people try first", () => {
  expect(route(["help", "queue", "pause"], ROOT)).toMatchObject({
    path: ["queue", "pause"],
    rest: ["--help"],
  })
  expect(route(["--version"], ROOT).path).toEqual(["version"])
})

async function commandsOf(entry: Entry): Promise<Command[]> {
  const own = entry.load ? [(await entry.load()).default] : []
  return [...own, ...(await Promise.all(Object.values(entry.children ?? {}).map(commandsOf))).flat()]
}

test("ten thousand malformed command lines are each refused or read, never a crash", async () => {
  const commands = await commandsOf(ROOT)
  const names = commands.flatMap(({ flags }) => Object.keys(flags))
  const token = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
    { weight: 3, arbitrary: fc.constantFrom(...names).map((name) => `--${name}`) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...names), fc.string()).map(([a, b]) => `--${a}=${b}`) },
    { weight: 2, arbitrary: fc.string({ maxLength: 8 }).map((text) => `-${text}`) },
    { weight: 2, arbitrary: fc.constantFrom("queue", "dlq", "inspect", "replay", "--", "-", "-o", "help") },
  )
  let refused = 0
  fc.assert(
    fc.property(fc.array(token, { maxLength: 8 }), fc.constantFrom(...commands), (tokens, command) => {
      for (const read of [
        () => route(tokens, ROOT),
        () => parseArguments(tokens, { ...command.flags, ...SHELL_FLAGS }),
      ])
        try {
          read()
        } catch (error) {
          refused++
          expect(error).toBeInstanceOf(StemError)
          expect(error).toMatchObject({ kind: "invalid", code: "usage" })
        }
    }),
    { numRuns: 10_000 },
  )
  expect(refused).toBeGreaterThan(5000)
})
