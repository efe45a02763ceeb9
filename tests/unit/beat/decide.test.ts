import { describe, expect, test } from "bun:test"
import { watchClock } from "../../../src/core/beat/clock-watch.ts"
import { decide, type EndOf } from "../../../src/core/beat/decide.ts"
import { firingEnvelope, firingId } from "../../../src/core/beat/firing.ts"
import { dueInstants } from "../../../src/core/beat/instants.ts"
import type { ScheduleState } from "../../../src/core/contracts/schedules.ts"
import { every } from "../../support/schedules.ts"

const NEW: ScheduleState = { runs: 0, failures: 0, open: [] }
const live: EndOf = () => "live"
const ended =
  (end: "succeeded" | "failed" | "cancelled"): EndOf =>
  () =>
    end
const of = (more: Record<string, unknown>) => every("s", 1000, more)
const due = (...fire: number[]) => ({ fire, skip: [], nextAt: 9000 })
const busy: ScheduleState = { ...NEW, runs: 1, lastAt: 1000, lastId: "s@1", open: ["s@1"] }

describe("deciding", () => {
  test("what is due fires, and the next instant is when to look again", () => {
    expect(decide(of({}), NEW, due(7000, 8000), live, 8000)).toEqual({
      ...{ fire: [7000, 8000], skip: [], cancel: [], wakeAt: 9000 },
      state: {
        ...{ nextAt: 9000, lastAt: 8000, lastId: firingId("s", 8000), runs: 2, failures: 0 },
        open: [firingId("s", 7000), firingId("s", 8000)],
      },
    })
  })

  test("overlap allow fires beside an earlier task that runs", () => {
    expect(decide(of({ overlap: "allow" }), busy, due(8000), live, 8000).fire).toEqual([8000])
  })

  test("overlap skip leaves out what finds an earlier task unended", () => {
    const schedule = of({ overlap: "skip" })
    const decision = decide(schedule, busy, due(8000), live, 8000)
    expect(decision).toMatchObject({
      fire: [],
      skip: [{ nominalAt: 8000 }],
      state: { runs: 1, open: ["s@1"] },
    })
    expect(decide(schedule, busy, due(8000), ended("succeeded"), 8000).fire).toEqual([8000])
    expect(decide(schedule, NEW, due(7000, 8000), live, 8000)).toMatchObject({
      ...{ fire: [7000], skip: [{ nominalAt: 8000 }] },
    })
  })

  test("overlap queue-one holds one instant until the task before has ended, and skips the others", () => {
    const schedule = of({ overlap: "queue-one" })
    const first = decide(schedule, busy, due(7000, 8000), live, 8000)
    expect(first).toMatchObject({
      fire: [],
      skip: [{ nominalAt: 8000 }],
      state: { held: 7000, nextAt: 9000 },
    })
    expect(first.wakeAt).toBe(8500)
    const nothing = { fire: [], skip: [], nextAt: 9000 }
    expect(decide(schedule, first.state, nothing, live, 8500)).toMatchObject({ fire: [], wakeAt: 9000 })
    const then = decide(schedule, first.state, nothing, ended("succeeded"), 8600)
    expect(then).toMatchObject({ fire: [7000], wakeAt: 9000, state: { lastAt: 7000 } })
    expect(then.state.held).toBeUndefined()
  })

  test("overlap cancel-previous cancels what runs and fires the latest", () => {
    const decision = decide(of({ overlap: "cancel-previous" }), busy, due(7000, 8000), live, 8000)
    expect(decision).toMatchObject({ fire: [8000], skip: [{ nominalAt: 7000 }], cancel: ["s@1"] })
    expect(decision.state.open).toEqual([firingId("s", 8000)])
  })

  test("a schedule is over after its most runs", () => {
    const decision = decide(of({ maxRuns: 3 }), { ...busy, runs: 1 }, due(6000, 7000, 8000), live, 8000)
    expect(decision.fire).toEqual([6000, 7000])
    expect(decision.wakeAt).toBeUndefined()
    expect(decision.state.nextAt).toBeUndefined()
  })

  test("so many failures in a row pause it before it fires again; a success ends the row", () => {
    const schedule = of({ pauseAfterFailures: 2 })
    const failing = { ...busy, failures: 1 }
    const paused = decide(schedule, failing, due(8000), ended("failed"), 8000)
    expect(paused).toMatchObject({
      fire: [],
      pause: "2 failures one after the other",
      state: { failures: 2 },
    })
    expect(decide(schedule, failing, due(8000), ended("succeeded"), 8000)).toMatchObject({
      ...{ fire: [8000], state: { failures: 0 } },
    })
    expect(decide(schedule, failing, due(8000), ended("cancelled"), 8000).state.failures).toBe(1)
  })
})

describe("instants", () => {
  test("the misfire policy decides about what is older than a minute, and says what it passed over", () => {
    const state = { ...NEW, nextAt: 1000 }
    const now = 200_500
    const of = (policy: string) => dueInstants(every("s", 50_000, { misfire: { policy } }), state, now)
    const first = { ...state, nextAt: 50_000 }
    const last = dueInstants(every("s", 50_000, { misfire: { policy: "all" } }), first, now)
    expect(last).toEqual({ fire: [50_000, 100_000, 150_000, 200_000], skip: [], nextAt: 250_000 })
    expect(of("skip").fire).toEqual([150_000, 200_000])
    expect(of("skip").skip).toMatchObject([{ nominalAt: 100_000 }])
    expect(of("last").fire).toEqual([150_000, 200_000])
  })
})

describe("a firing's envelope", () => {
  test("its id is made of its pair, its instant stands in its headers, and only its due time is jittered", () => {
    const schedule = every("s", 60_000, {
      jitterMs: 30_000,
      options: { expiresInMs: 5000, retry: { max: 7 } },
    })
    const at = Date.UTC(2026, 2, 29, 1)
    const envelope = firingEnvelope(schedule, at, at + 3)
    expect(envelope).toMatchObject({
      ...{ id: "s@2026-03-29T01:00:00Z", enqueuedAt: at + 3, expiresAt: at + 5000, retry: { max: 7 } },
      headers: { "stem-schedule": "s", "stem-nominal-at": "2026-03-29T01:00:00.000Z" },
    })
    expect(envelope.dueAt).toBeWithin(at, at + 30_000)
    expect(firingEnvelope(schedule, at, at + 99).dueAt).toBe(envelope.dueAt)
  })
})

test("a jump of the clock is seen in both directions, and drifting is none", () => {
  let [wall, monotonic] = [1_000_000, 50]
  const jumped = watchClock({ now: () => wall, monotonic: () => monotonic } as never)
  const pass = (wallMs: number, ms: number) => {
    wall += wallMs
    monotonic += ms
    return jumped()
  }
  expect(pass(5000, 5000)).toBeUndefined()
  expect(pass(5400, 5000)).toBeUndefined()
  expect(pass(3_605_000, 5000)).toBe(3_600_000)
  expect(pass(-7_195_000, 5000)).toBe(-7_200_000)
  expect(pass(5000, 5000)).toBeUndefined()
})
