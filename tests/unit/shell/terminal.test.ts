import { expect, test } from "bun:test"
import fc from "fast-check"
import { clean, cleanJson, cleanLine, painter, wantsColor } from "../../../src/commands/shell/terminal.ts"

const TABLE: [name: string, text: string, shown: string][] = [
  ["colours", "\u001b[31mred\u001b[0m", "red"],
  ["cursor movement", "a\u001b[2J\u001b[Hb", "ab"],
  ["a window title", "\u001b]0;owned\u0007x", "x"],
  ["a bell", "a\u0007b", "ab"],
  ["eight-bit sequences", "a\u009b31mb", "a31mb"],
  ["a carriage return that hides a line", "good\revil", "goodevil"],
  ["marks that reorder text", "a\u202eb\u2066c", "abc"],
  ["lines and tabs", "a\n\tb", "a\n\tb"],
]
for (const [name, text, shown] of TABLE) test(`${name}: shown safely`, () => expect(clean(text)).toBe(shown))

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

test("no text whatever keeps a control character", () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
      fc.constantFrom("\u001b[", "\u001b]", "\u202e", "\u2066", "m", ";"),
    ),
  })
  fc.assert(
    fc.property(nasty, (text) => {
      expect(clean(text)).not.toMatch(DANGEROUS)
      expect(cleanLine(text)).not.toMatch(/[\n\t]/)
      const json = cleanJson({ [text]: text })
      expect(json).not.toMatch(DANGEROUS)
      expect(JSON.parse(json)).toEqual({ [text]: text })
    }),
    { numRuns: 5000 },
  )
})

test("colour is for terminals, unless told otherwise", () => {
  const table: [Parameters<typeof wantsColor>, boolean][] = [
    [["auto", {}, true], true],
    [["auto", {}, false], false],
    [["auto", { NO_COLOR: "1" }, true], false],
    [["auto", { NO_COLOR: "" }, true], true],
    [["auto", { TERM: "dumb" }, true], false],
    [["always", { NO_COLOR: "1" }, false], true],
    [["never", {}, true], false],
  ]
  for (const [given, wanted] of table) expect(wantsColor(...given)).toBe(wanted)
  expect(painter(true)("red", "x")).toBe("\u001b[31mx\u001b[39m")
  expect(painter(false)("red", "x")).toBe("x")
})
