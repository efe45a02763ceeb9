import { describe, expect, test } from "bun:test"
import { isScheduleDefinition, scheduleOf } from "../../../src/core/task/define-schedule.ts"
import { parseSchedule } from "../../../src/core/task/schedule.ts"

const read = (fields: Record<string, unknown>) =>
  scheduleOf({ name: "n", task: "t", ...fields }, "code:tasks.ts")

describe("a schedule's definition", () => {
  test("what is left out gets its default", () => {
    expect(read({ cron: "0 3 * * *" })).toEqual(
      parseSchedule({
        v: 1,
        name: "n",
        task: "t",
        spec: { kind: "cron", expression: "0 3 * * *" },
        source: "code:tasks.ts",
      }),
    )
  })

  test("every way to say when is read", () => {
    expect(read({ every: "90s" }).spec).toEqual({ kind: "every", everyMs: 90_000, anchor: 0 })
    expect(read({ at: "2026-03-29T01:30:00Z" }).spec).toEqual({
      kind: "at",
      at: Date.UTC(2026, 2, 29, 1, 30),
    })
    expect(read({ at: new Date(5000) }).spec).toEqual({ kind: "at", at: 5000 })
    expect(read({ rrule: "FREQ=DAILY" }).spec).toEqual({ kind: "rrule", rule: "FREQ=DAILY" })
    const solar = { event: "sunset", latitude: 52.5, longitude: 13.4, offset: "-30m" }
    expect(read({ solar }).spec).toMatchObject({ kind: "solar", offsetMs: -1_800_000 })
  })

  test("lengths, instants and options are resolved", () => {
    expect(
      read({
        ...{
          every: "1h",
          jitter: "5m",
          startAt: "2026-01-01",
          misfire: { policy: "all", window: "2h", max: 7 },
        },
        ...{
          retries: 2,
          timeout: "1m",
          softTimeout: "30s",
          expires: "1h",
          headers: { a: "b" },
          input: { x: 1 },
        },
      }),
    ).toMatchObject({
      jitterMs: 300_000,
      startAt: Date.UTC(2026, 0, 1),
      misfire: { policy: "all", windowMs: 7_200_000, max: 7 },
      options: {
        ...{ retry: { max: 2 }, timeLimits: { softMs: 30_000, hardMs: 60_000 } },
        ...{ headers: { a: "b" }, expiresInMs: 3_600_000 },
      },
      input: { x: 1 },
    })
    expect(read({ every: "1h", misfire: "skip" }).misfire.policy).toBe("skip")
  })

  test.each([
    [{}, /says not when it fires/],
    [{ cron: "* * * * *", every: "1s" }, /says twice when it fires/],
    [{ every: "soon" }, /every: "soon" is not a duration/],
    [{ at: "10m" }, /at: "10m" is not an instant/],
    [{ every: "1s", color: "red" }, /color: is no field of a schedule/],
    [{ every: "1s", timezone: "Mars/Olympus" }, /timezone/],
    [{ every: "1s", overlap: "maybe" }, /overlap/],
    [{ every: "1s", jitter: "2s" }, /jitterMs: is not smaller than the interval/],
  ])("%o is refused with the field's name", (fields, message) => {
    expect(() => read(fields)).toThrow(message)
  })

  test("tasks are no schedules", () => {
    expect(isScheduleDefinition({ task: "t", every: "1s" })).toBeTrue()
    expect(isScheduleDefinition({ task: "t", every: "1s", run() {} })).toBeFalse()
    expect(isScheduleDefinition({ every: "1s" })).toBeFalse()
    expect(isScheduleDefinition(null)).toBeFalse()
  })
})
