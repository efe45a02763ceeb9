import { expect, test } from "bun:test"
import { StemError } from "../../../src/core/kit/errors.ts"
import { parseRate } from "../../../src/core/kit/rate.ts"

test("a rate is a number and a span of time", () => {
  expect(parseRate("100/m")).toEqual({ count: 100, perMs: 60_000 })
  expect(parseRate("10/s")).toEqual({ count: 10, perMs: 1000 })
  expect(parseRate(" 5 / 30s ")).toEqual({ count: 5, perMs: 30_000 })
  expect(parseRate("1/h")).toEqual({ count: 1, perMs: 3_600_000 })
  expect(parseRate("1000000/s")).toEqual({ count: 1_000_000, perMs: 1000 })
})

test.each(["", "100", "/m", "0/s", "-1/s", "1.5/s", "1/", "1/week", "1/0s", "1000001/s", "ten/s", "1/s/s"])(
  "%p is no rate",
  (text) => {
    expect(() => parseRate(text)).toThrow(StemError)
    expect(() => parseRate(text)).toThrow("is not a rate")
  },
)
