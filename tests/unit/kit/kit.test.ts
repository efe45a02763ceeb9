import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { formatDuration, parseDuration } from "../../../src/core/kit/duration.ts"
import { uuidv7 } from "../../../src/core/kit/id.ts"
import { formatInstant, parseInstant } from "../../../src/core/kit/instant.ts"
import { MAX_PAYLOAD_BYTES, toJson } from "../../../src/core/kit/json.ts"

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["0s", 0],
  ])("%s is %d milliseconds", (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(["", " ", "5", "-5s", "5 s", "s", "5s!", "5y", "1e3s", "∞"])("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow("is not a duration")
  })

  test.each([
    [0, "0ms"],
    [999, "999ms"],
    [3200, "3.2s"],
    [60_000, "1m"],
    [7_500_000, "2h 5m"],
    [694_800_000, "8d 1h"],
  ])("%d is shown as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test("any text gives milliseconds or a clear error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseDuration(text)).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_duration" })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe("instants", () => {
  const now = Date.UTC(2026, 0, 1)
  test.each([
    ["2026-03-29T01:30:00Z", Date.UTC(2026, 2, 29, 1, 30)],
    ["2026-03-29T01:30:00+02:00", Date.UTC(2026, 2, 28, 23, 30)],
    ["2026-03-29T01:30", Date.UTC(2026, 2, 29, 1, 30)],
    ["2026-03-29", Date.UTC(2026, 2, 29)],
    ["10m", now + 600_000],
  ])("%s is read in UTC unless it says otherwise", (text, at) => {
    expect(parseInstant(text, now)).toBe(at)
  })

  test.each(["tomorrow", "2026-13-01", "2026-02-30T99:00Z", "2026-02-30", "2026-02-29T10:00Z", "", "12:00"])(
    "%j is refused",
    (text) => {
      expect(() => parseInstant(text, now)).toThrow("is not an instant")
    },
  )

  test("an instant survives being written and read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (at) => {
        expect(parseInstant(formatInstant(at), now)).toBe(at)
      }),
    )
  })
})

describe("ids", () => {
  test("an id has the layout of a UUIDv7 and carries its time", () => {
    const id = uuidv7({ now: () => 1_700_000_000_000, random: Math.random })
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(1_700_000_000_000)
  })

  test("ids do not meet, and later ones sort later", () => {
    let time = 1
    const ids = Array.from({ length: 5000 }, () => uuidv7({ now: () => time++, random: Math.random }))
    expect(new Set(ids).size).toBe(5000)
    expect([...ids].sort()).toEqual(ids)
  })
})

describe("payloads", () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  test.each([
    ["a circle", circle, "contains itself"],
    ["a BigInt", { n: 1n }, '"n" is a BigInt'],
    ["a function", { f() {} }, '"f" is a function'],
    ["a symbol", [Symbol("x")], "is a symbol"],
    ["not a number", { x: Number.NaN }, '"x" is NaN'],
  ])("%s is refused by name instead of being lost", (_, value, message) => {
    expect(() => toJson(value, "the result")).toThrow(message)
  })

  test("a payload over a mebibyte is refused with its size", () => {
    expect(() => toJson("x".repeat(MAX_PAYLOAD_BYTES), "the result")).toThrow("1048578 bytes")
    expect(toJson("x".repeat(MAX_PAYLOAD_BYTES - 2), "the result")).toHaveLength(MAX_PAYLOAD_BYTES)
    expect(() => toJson("é".repeat(MAX_PAYLOAD_BYTES / 2), "the result")).toThrow("bytes")
  })

  test("nothing at all is written as null", () => {
    expect(toJson(undefined, "the result")).toBe("null")
  })
})
