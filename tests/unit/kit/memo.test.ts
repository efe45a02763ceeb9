import { expect, test } from "bun:test"
import { remembering } from "../../../src/core/kit/memo.ts"

test("what was made for a text is given again, and what was thrown is not", () => {
  let made = 0
  const of = remembering((text) => {
    made += 1
    if (text === "bad" && made === 1) throw new Error("not yet")
    return { text }
  }, 2)
  expect(() => of("bad")).toThrow("not yet")
  expect(of("bad")).toBe(of("bad"))
  expect(made).toBe(2)
  of("b")
  of("c")
  expect(of("c")).toBe(of("c"))
  expect(made).toBe(4)
  of("bad")
  expect(made).toBe(5)
})
