import { expect, test } from "bun:test"
import { decodeSchedule, encodeSchedule, parseSchedule } from "../../../src/core/task/schedule.ts"

const least = { v: 1, name: "nightly", task: "backup", spec: { kind: "cron", expression: "0 3 * * *" } }

test("a schedule needs a name, a task and a spec; all else has a default", () => {
  expect(parseSchedule(least)).toEqual({
    v: 1,
    name: "nightly",
    task: "backup",
    input: null,
    spec: { kind: "cron", expression: "0 3 * * *" },
    timezone: "UTC",
    dst: { gap: "run", overlap: "once" },
    misfire: { policy: "last", windowMs: 3_600_000, max: 100 },
    overlap: "allow",
    options: {},
    source: "command",
  })
})

test("a schedule is frozen to its depth", () => {
  const schedule = parseSchedule({ ...least, input: { to: ["a"] } })
  expect(Object.isFrozen(schedule.spec)).toBe(true)
  expect(Object.isFrozen((schedule.input as { to: string[] }).to)).toBe(true)
})

test("a schedule comes back from the store as it went, unknown fields included", () => {
  const schedule = parseSchedule({ ...least, since: "v9", dst: { gap: "skip" }, misfire: { policy: "all" } })
  expect(decodeSchedule(encodeSchedule(schedule))).toEqual(schedule)
  expect(schedule).toMatchObject({ since: "v9" })
})

test.each([
  [
    { timezone: "Mars/Olympus" },
    'malformed schedule "nightly": timezone: is not a time zone of the IANA database',
  ],
  [{ timezone: "+02:00" }, "timezone: is not a time zone"],
  [{ startAt: 2000, endAt: 2000 }, "endAt: is not after startAt"],
  [{ spec: { kind: "every", everyMs: 5000 }, jitterMs: 5000 }, "jitterMs: is not smaller than the interval"],
  [{ spec: { kind: "every", everyMs: 99 } }, "spec.everyMs: is shorter than the shortest interval, 100 ms"],
  [{ spec: { kind: "solar", event: "eclipse", latitude: 1, longitude: 1 } }, "spec.event: "],
  [{ spec: { kind: "solar", event: "noon", latitude: 91, longitude: 1 } }, "spec.latitude: "],
  [{ spec: { kind: "whenever" } }, "spec.kind: "],
  [{ misfire: { policy: "all", max: 0 } }, "misfire.max: "],
  [{ overlap: "perhaps" }, "overlap: "],
  [{ source: "elsewhere" }, "source: is not command, file:… or code:…"],
  [{ v: 2 }, "v: "],
  [{ maxRuns: 0 }, "maxRuns: "],
])("%j is refused with the name of the field", (wrong, message) => {
  expect(() => parseSchedule({ ...least, ...wrong })).toThrow(message)
})

test("text that is no schedule is refused as malformed", () => {
  expect(() => decodeSchedule("{")).toThrow("malformed schedule")
  expect(() => decodeSchedule("null")).toThrow("malformed schedule: the schedule: ")
})
