import { expect, test } from "bun:test"
import { uniqueOf } from "../../../src/core/client/unique.ts"
import { threw } from "../../support/thrown.ts"

test("the key is the task with its input, the order of fields aside", () => {
  expect(uniqueOf("t", { b: [1, { d: 1, c: 2 }], a: null }, true)).toEqual({
    ...{ key: 't:{"a":null,"b":[1,{"c":2,"d":1}]}', mode: "live" },
  })
  expect(uniqueOf("t", { a: null, b: [1, { c: 2, d: 1 }] }, true)).toEqual(
    uniqueOf("t", { b: [1, { d: 1, c: 2 }], a: null }, true),
  )
  expect(uniqueOf("t", undefined, true).key).toBe("t:null")
  expect(uniqueOf("t", 1, "mine").key).toBe("t:mine")
})

test("a time makes it a window, unless another mode is named", () => {
  expect(uniqueOf("t", 1, { for: "1h" })).toMatchObject({ mode: "window", forMs: 3_600_000 })
  expect(uniqueOf("t", 1, { for: "1m", mode: "throttle" })).toMatchObject({ mode: "throttle", forMs: 60_000 })
  expect(uniqueOf("t", 1, { mode: "debounce" })).toMatchObject({ mode: "debounce" })
})

test("what can not hold is refused", () => {
  expect(threw(() => uniqueOf("t", 1, { mode: "throttle" }))).toMatchObject({ code: "window_needed" })
  expect(threw(() => uniqueOf("t", 1, { mode: "debounce", for: "1h" }))).toMatchObject({
    code: "window_unused",
  })
  expect(threw(() => uniqueOf("t", "x".repeat(1000), true))).toMatchObject({
    ...{ code: "key_too_long", hint: expect.stringContaining("part of the input") },
  })
})
