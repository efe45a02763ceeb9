import { expect, test } from "bun:test"
import fc from "fast-check"
import { faultIn, readJson } from "../../../src/commands/shell/json.ts"
import { StemError } from "../../../src/core/kit/errors.ts"

const TABLE: [text: string, place: string][] = [
  ["", "line 1, column 1: it ends too early"],
  ['{"a":1', "line 1, column 7: it ends too early"],
  ['{"a":1,}', 'line 1, column 8: "}" does not belong there'],
  ["[1,2,x]", 'line 1, column 6: "x" does not belong there'],
  ['{\n  "a": 1,\n  b: 2\n}', 'line 3, column 3: "b" does not belong there'],
  ["1 2", 'line 1, column 3: "2" does not belong there'],
  ['{"a" 1}', 'line 1, column 6: "1" does not belong there'],
  ["{1:2}", 'line 1, column 2: "1" does not belong there'],
  ["[1}", 'line 1, column 3: "}" does not belong there'],
  ['"ab', "line 1, column 4: it ends too early"],
  ['"a\\q"', 'line 1, column 3: "\\\\" does not belong there'],
  ["nul", 'line 1, column 1: "n" does not belong there'],
  ["]", 'line 1, column 1: "]" does not belong there'],
]
for (const [text, place] of TABLE)
  test(`${JSON.stringify(text)} is refused at ${place}`, () => {
    expect(() => readJson(text, "the input")).toThrow(`the input is not JSON: ${place}`)
  })

test("what is JSON is read as it is", () => {
  fc.assert(fc.property(fc.json(), (text) => expect(readJson(text, "it")).toEqual(JSON.parse(text))))
})

test("damaged JSON is refused with a place inside the text, however deep it is", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (text, at, put) => {
      const place = at % (text.length + 1)
      const damaged = text.slice(0, place) + put + text.slice(place)
      try {
        readJson(damaged, "it")
      } catch (error) {
        expect(error).toBeInstanceOf(StemError)
        expect(faultIn(damaged)).toBeLessThanOrEqual(damaged.length)
      }
    }),
    { numRuns: 2000 },
  )
  expect(faultIn("[".repeat(200_000))).toBe(200_000)
})
