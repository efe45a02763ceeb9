import { expect, test } from "bun:test"
import fc from "fast-check"
import { decodeEnvelope, parseEnvelope } from "../../../src/core/task/envelope.ts"

const ordinary = {
  ...{ v: 1, id: "01a", task: "image.resize", input: { a: [1] }, queue: "default", priority: 5 },
  ...{ enqueuedAt: 1_700_000_000_000, dueAt: 1_700_000_000_000, headers: { traceparent: "00" } },
}

const oddity = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    0,
    1,
    9,
    10,
    -1,
    1.5,
    2 ** 60,
    "",
    "a b",
    "ümlaut",
    "_",
    "x".repeat(101),
    "\u007f",
  ),
  fc.constantFrom<unknown>({}, [], { a: "b" }, { a: 1 }, [ordinary], { max: 3 }, { softMs: 5 }, null),
  fc.constantFrom<unknown>(
    { group: "g", index: 0 },
    { group: "g", index: -1 },
    { group: "g", index: 1, x: 1 },
  ),
  fc.constantFrom<unknown>([{ v: 1, members: [ordinary] }], [{ ...ordinary, then: [{}] }], {
    key: "k",
    mode: "live",
  }),
)
const field = fc.constantFrom(
  ...Object.keys(ordinary),
  ...["expiresAt", "retry", "timeLimits", "then", "parent", "root", "futureField", "__proto__"],
  ...["group", "gathers", "merge", "delayMs", "unique", "fair"],
)

const outcome = (read: () => unknown) => {
  try {
    return { envelope: read() }
  } catch (error) {
    return { refused: (error as Error).message }
  }
}

test("the quick reading of ordinary envelopes lets through and refuses what the schema does", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(field, fc.option(oddity)), { maxLength: 2 }), (changes) => {
      const sent = new Map<string, unknown>(Object.entries(ordinary))
      for (const [name, value] of changes) value === null ? sent.delete(name) : sent.set(name, value)
      const fields = [...sent].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      const text = `{${fields.join(",")}}`
      expect(outcome(() => decodeEnvelope(text))).toEqual(outcome(() => parseEnvelope(JSON.parse(text))))
    }),
    { numRuns: 3000 },
  )
})

test("an envelope that was read is frozen all the way down", () => {
  const read = decodeEnvelope(JSON.stringify(ordinary))
  expect(Object.isFrozen(read)).toBeTrue()
  expect(Object.isFrozen((read.input as { a: unknown }).a)).toBeTrue()
})
