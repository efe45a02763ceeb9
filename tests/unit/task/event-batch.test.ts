import { expect, test } from "bun:test"
import fc from "fast-check"
import { EVENT_KINDS, eventError, type StoredEvent } from "../../../src/core/task/event.ts"
import { decodeEvents, encodeEvents } from "../../../src/core/task/event-batch.ts"

const few = (...values: string[]) => fc.constantFrom(...values)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const event: fc.Arbitrary<StoredEvent> = fc
  .record({
    kind: fc.constantFrom(...EVENT_KINDS),
    at: fc.integer({ min: 0, max: 2e12 }),
    id: maybe(fc.oneof(fc.string(), few("a", "a/1", "a/2", "a/01", "/1", "a/0"))),
    parent: maybe(fc.oneof(fc.string(), few("a", "a/1", "", "a/0"))),
    task: maybe(few("a", "b")),
    queue: maybe(few("q", "r")),
    attempt: maybe(fc.integer({ min: 0, max: 3 })),
    worker: maybe(few("w", "v")),
    ms: maybe(fc.integer({ min: 0, max: 9 })),
    dueAt: maybe(fc.integer({ min: 0, max: 2e12 })),
    count: maybe(fc.integer({ min: 1, max: 9 })),
    error: maybe(fc.record({ name: fc.string(), message: fc.string() })),
  })
  .map((one) => JSON.parse(JSON.stringify(one)) as StoredEvent)

test("a batch is read as it was written, whatever follows whatever", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      expect(decodeEvents(encodeEvents(events))).toEqual(events)
    }),
    { numRuns: 300 },
  )
})

test("events that differ in their ids alone take little more than their ids", () => {
  const ids = Array.from({ length: 1000 }, () => crypto.randomUUID())
  const text = encodeEvents(
    ids.map((id, at) => ({
      ...{ kind: "succeeded", at: 1_700_000_000_000 + at, id, task: "image.resize", queue: "media" },
      ...{ attempt: 1, worker: "box-7-0199", ms: 3 },
    })),
  )
  expect(text.length).toBeLessThan(1000 * 46)
})

test("what can not be read is left out, and a long message is cut", () => {
  expect(decodeEvents("[{")).toEqual([])
  expect(eventError({ name: "E", message: "x".repeat(10_000) }).message).toHaveLength(500)
})
