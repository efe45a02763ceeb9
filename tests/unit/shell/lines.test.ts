import { expect, test } from "bun:test"
import fc from "fast-check"
import { readInput } from "../../../src/commands/enqueue/input.ts"
import { linesOf } from "../../../src/commands/enqueue/lines.ts"
import { readLine } from "../../../src/commands/enqueue/options.ts"
import { readJson } from "../../../src/commands/shell/json.ts"
import { StemError } from "../../../src/core/kit/errors.ts"

test("lines are whole wherever a chunk ends, also within a letter", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n")),
        { maxLength: 10 },
      ),
      fc.integer({ min: 1, max: 7 }),
      async (lines, size) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))
        const stream = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
            controller.close()
          },
        })
        const read: string[] = []
        for await (const some of linesOf(stream)) read.push(...some)
        expect(read).toEqual(lines)
      },
    ),
  )
})

test("ten thousand malformed payloads are each refused or read, never a crash", async () => {
  const fields = [
    "task",
    "input",
    "queue",
    "priority",
    "delay",
    "at",
    "expires",
    "retries",
    "timeout",
    "headers",
  ]
  const line = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.json(),
    fc
      .dictionary(fc.constantFrom(...fields), fc.jsonValue(), { maxKeys: 4 })
      .map((value) => JSON.stringify(value)),
  )
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      for (const read of [() => readLine(readJson(text, "it")), () => readInput([text], async () => text)])
        try {
          await read()
        } catch (error) {
          expect(error).toBeInstanceOf(StemError)
          expect((error as StemError).kind).toBe("invalid")
        }
    }),
    { numRuns: 10_000 },
  )
})

const stdin = async () => '{"from":"stdin"}'
const INPUT: [operands: string[], value: unknown][] = [
  [[], undefined],
  [['{"a":1}'], { a: 1 }],
  [["[1]"], [1]],
  [["-5"], -5],
  [['"text"'], "text"],
  [["null"], null],
  [["-"], { from: "stdin" }],
  [
    ["a=1", "b=x y", "c=true", 'd={"e":[1]}', "f=", "g=a=b"],
    { a: 1, b: "x y", c: true, d: { e: [1] }, f: "", g: "a=b" },
  ],
  [["__proto__=1"], JSON.parse('{"__proto__":1}')],
]
for (const [operands, value] of INPUT)
  test(`the input ${JSON.stringify(operands)}`, async () =>
    expect(await readInput(operands, stdin)).toEqual(value))

for (const operands of [["hello"], ["a=1", "hello"], ["a=1", "a=2"], ["{"], ["=1"], ["'{\"a\":1}'"]])
  test(`the input ${JSON.stringify(operands)} is refused`, async () => {
    await expect(readInput(operands, stdin)).rejects.toMatchObject({ kind: "invalid", code: "usage" })
  })
