import { expect, test } from "bun:test"
import fc from "fast-check"
import { createCapture, isTruncated, outputOf, shorten } from "../../../../src/runtime/shell/capture.ts"

test("a capture holds the end of all that was written, and counts it", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 60 })), fc.integer({ min: 1, max: 50 }), (texts, most) => {
      const capture = createCapture(most)
      for (const text of texts) capture.write(text)
      const whole = texts.join("").replaceAll("\0", "\ufffd")
      expect(capture.written).toBe(whole.length)
      expect(capture.tail(most)).toBe(whole.slice(-most))
      expect(capture.tail(3)).toBe(whole.slice(-Math.min(3, most)))
    }),
  )
})

test("no tail begins with half a character", () => {
  const capture = createCapture(5)
  capture.write("😀😀😀")
  expect(capture.tail(5)).toBe("😀😀")
  expect(capture.tail(1)).toBe("")
  expect(capture.written).toBe(6)
})

test("a NUL, which some stores can not hold, becomes a mark", () => {
  const capture = createCapture(5)
  capture.write("a\0b")
  expect(capture.tail(5)).toBe("a\ufffdb")
})

test("it is known whether more was written than is there", () => {
  const stdout = createCapture(5)
  const stderr = createCapture(5)
  stdout.write("12345")
  expect(isTruncated(outputOf(stdout, stderr, 5))).toBeFalse()
  expect(isTruncated(shorten(outputOf(stdout, stderr, 5), 4))).toBeTrue()
  stderr.write("123456")
  expect(outputOf(stdout, stderr, 5)).toEqual({
    ...{ stdout: "12345", stderr: "23456" },
    written: { stdout: 5, stderr: 6 },
  })
  expect(isTruncated(outputOf(stdout, stderr, 5))).toBeTrue()
})
