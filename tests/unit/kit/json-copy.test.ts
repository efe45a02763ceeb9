import { expect, test } from "bun:test"
import fc from "fast-check"
import type { StemError } from "../../../src/core/kit/errors.ts"
import { jsonCopy, MAX_PAYLOAD_BYTES, toJson } from "../../../src/core/kit/json.ts"

const what = () => "the input"
const slowly = (value: unknown) => JSON.parse(toJson(value, what()))
const refusal = (make: () => unknown) => {
  try {
    make()
  } catch (error) {
    return (error as StemError).code
  }
  return undefined
}
const outcome = (make: () => unknown) => {
  try {
    return { copy: make() }
  } catch (error) {
    return { refused: (error as Error).message }
  }
}

/** What JSON changes, leaves out or refuses. */
const oddity = fc.constantFrom<unknown>(
  ...[undefined, -0, Number.NaN, Number.POSITIVE_INFINITY, 1n, Symbol("s"), () => 1, new Date(0), new Map()],
  ...[/x/, new Number(1), new String("s"), Object.create(null), Object.create({ inherited: 1 }), [undefined]],
  ...[
    { toJSON: () => "other" },
    JSON.parse('{"__proto__":{"a":1}}'),
    new Array(3),
    "\ud800",
    new Uint8Array(2),
  ],
)

test("a copy is what JSON makes of the value, whatever it is", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      oddity,
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("any"), { maxKeys: 4 }),
    ),
  })).any
  fc.assert(
    fc.property(value, (given) => {
      const [quick, slow] = [outcome(() => jsonCopy(given, what)), outcome(() => slowly(given))]
      expect(quick).toStrictEqual(slow)
      expect(JSON.stringify(quick)).toBe(JSON.stringify(slow))
    }),
    { numRuns: 2000 },
  )
})

test("a copy shares nothing with what was given", () => {
  const given = { list: [{ a: 1 }] }
  const copy = jsonCopy(given, what) as typeof given
  given.list.push({ a: 2 })
  expect(copy).toEqual({ list: [{ a: 1 }] })
})

test("what contains itself, is too deep for the quick way or too large goes by the rules of JSON", () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(refusal(() => jsonCopy(circle, what))).toBe("not_representable")
  const deep = JSON.parse(`${"[".repeat(100)}1${"]".repeat(100)}`)
  expect(jsonCopy(deep, what)).toEqual(deep)
  expect(jsonCopy("x".repeat(MAX_PAYLOAD_BYTES - 2), what)).toHaveLength(MAX_PAYLOAD_BYTES - 2)
  expect(refusal(() => jsonCopy("x".repeat(MAX_PAYLOAD_BYTES - 1), what))).toBe("too_large")
  const wide = "\u0000".repeat(MAX_PAYLOAD_BYTES / 6 + 1)
  expect(refusal(() => jsonCopy(wide, what))).toBe("too_large")
  const many = Array.from({ length: MAX_PAYLOAD_BYTES / 2 }, () => 1)
  expect(refusal(() => jsonCopy(many, what))).toBe("too_large")
})
