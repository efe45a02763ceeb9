import { expect, test } from "bun:test"
import { open } from "../../src/adapters/memory/driver.ts"
import { type BeatParts, beat } from "../../src/core/beat/beat.ts"
import { schedulePut } from "../../src/core/beat/put.ts"
import type { ResultBackend } from "../../src/core/contracts/results.ts"
import type { ScheduleStore } from "../../src/core/contracts/schedules.ts"
import type { WorkerEvent } from "../../src/core/observe/events.ts"
import { parseSchedule, type ScheduleSpec } from "../../src/core/task/schedule.ts"
import { manualClock } from "../support/manual-clock.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE
let stores = 0

/** A machine whose wall clock can be set, while its monotonic one goes on. */
async function machineAt(start: string) {
  const manual = manualClock({ start: Date.parse(start) })
  let apart = 0
  const clock = { ...manual, now: () => manual.now() + apart }
  const store = await open(`memory:beat-clock-${++stores}`, { namespace: "sim", clock })
  const schedules = store.schedules as ScheduleStore
  const events: WorkerEvent[] = []
  return {
    ...{ clock, schedules, results: store.results, events, advance: manual.advance },
    set: (time: string) => {
      apart = Date.parse(time) - manual.now()
    },
    add: (name: string, spec: ScheduleSpec, more = {}) =>
      schedules.put([schedulePut(parseSchedule({ v: 1, name, task: "sim", spec, ...more }), clock.now())]),
    /** Starts a Beat; answers how to stop it. */
    boot(more: Partial<BeatParts> = {}) {
      const end = new AbortController()
      const parts = {
        ...store,
        schedules,
        clock,
        holder: "b",
        emit: (event: WorkerEvent) => events.push(event),
      }
      const done = beat({ ...parts, ...more } as BeatParts, end.signal)
      return async () => {
        end.abort()
        await manual.advance(1)
        await done
      }
    },
    fired: async (name: string) =>
      (await schedules.history(name, 1000))
        .flatMap(({ id, nominalAt }) => (id ? new Date(nominalAt).toISOString().slice(11, 16) : []))
        .reverse(),
  }
}

const hourly: ScheduleSpec = { kind: "cron", expression: "0 * * * *" }

test("a clock that was hours ahead and is corrected: the next instants are found anew", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  world.set("2026-05-04T15:30:00Z")
  await world.add("hourly", hourly)
  await world.add("daily", { kind: "cron", expression: "0 14 * * *" })
  const stop = world.boot()
  await world.advance(2 * HOUR)
  expect(await world.fired("hourly")).toEqual(["16:00", "17:00"])
  world.set("2026-05-04T12:30:00Z")
  await world.advance(2 * HOUR)
  // 13:00 and 14:00 by the right clock, within a poll of it; what has fired under the wrong one stays fired.
  expect(await world.fired("hourly")).toEqual(["13:00", "14:00", "16:00", "17:00"])
  expect(await world.fired("daily")).toEqual(["14:00"])
  expect(world.events).toContainEqual({ kind: "clock_jumped", byMs: -5 * HOUR })
  const late = world.events.flatMap((event) => (event.kind === "schedule_fired" ? event.latenessMs : []))
  expect(Math.max(...late)).toBe(0)
  await world.advance(3 * HOUR)
  expect(await world.fired("hourly")).toEqual(["13:00", "14:00", "15:00", "16:00", "17:00"])
  await stop()
})

test("a clock that was corrected while no Beat ran is noticed by the next one", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  world.set("2026-05-04T18:30:00Z")
  await world.add("hourly", hourly)
  await (async () => {
    const stop = world.boot()
    await world.advance(HOUR)
    await stop()
  })()
  expect(await world.fired("hourly")).toEqual(["19:00"])
  world.set("2026-05-04T11:30:00Z")
  const stop = world.boot()
  await world.advance(2 * HOUR)
  expect(await world.fired("hourly")).toEqual(["12:00", "13:00", "19:00"])
  await stop()
})

test("a clock put back by less is waited for, and nothing fires twice", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  await world.add("hourly", hourly)
  const stop = world.boot()
  await world.advance(2 * HOUR)
  world.set("2026-05-04T10:45:00Z")
  await world.advance(3 * HOUR)
  expect(await world.fired("hourly")).toEqual(["11:00", "12:00", "13:00"])
  await stop()
})

test("a clock put forwards: what lies between is missed, and the policy decides", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  const misfire = { policy: "all", windowMs: 24 * HOUR, max: 2 }
  await world.add("all", hourly, { misfire })
  await world.add("skip", hourly, { misfire: { policy: "skip" } })
  const stop = world.boot()
  await world.advance(MINUTE)
  world.set("2026-05-04T15:30:00Z")
  await world.advance(MINUTE)
  expect(await world.fired("all")).toEqual(["14:00", "15:00"])
  expect(await world.fired("skip")).toEqual([])
  await world.advance(HOUR)
  expect(await world.fired("skip")).toEqual(["16:00"])
  await stop()
})

test("a Beat whose store never answers is silent; one that is refused is not", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  const turns = { stuck: 0, refused: 0 }
  const progress = { stuck: 0, refused: 0 }
  const count = (who: "stuck" | "refused") => ({
    turned: () => {
      turns[who] += 1
    },
    progress: async () => {
      progress[who] += 1
    },
  })
  const stuck = { ...world.schedules, claim: () => new Promise<never>(() => {}) }
  const refusing = { ...world.schedules, claim: () => Promise.reject(new Error("no room")) }
  world.boot({ schedules: stuck, ...count("stuck") })
  const stop = world.boot({ schedules: refusing, ...count("refused") })
  await world.advance(MINUTE)
  expect(turns.stuck).toBe(1)
  expect(turns.refused).toBeGreaterThan(50)
  expect(progress).toEqual({ stuck: 0, refused: 0 })
  await stop()
})

test("after an outage the first claim that succeeds is decided with it, not after its lease", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  await world.add("hourly", hourly)
  let away = false
  const schedules: ScheduleStore = {
    ...world.schedules,
    claim: (ask) => (away ? Promise.reject(new Error("away")) : world.schedules.claim(ask)),
  }
  // A store that takes its time, as one on another machine does.
  const get: ResultBackend["get"] = (ids) => world.clock.sleep(5).then(() => world.results.get(ids))
  const stop = world.boot({ schedules, results: { ...world.results, get } })
  await world.advance(HOUR)
  away = true
  await world.advance(HOUR + MINUTE)
  away = false
  await world.advance(1500)
  expect(await world.fired("hourly")).toEqual(["11:00", "12:00"])
  await stop()
})

test("a claim whose answer was lost is taken back once the store answers again", async () => {
  const world = await machineAt("2026-05-04T10:30:00Z")
  await world.add("hourly", hourly)
  let lost = 0
  const schedules: ScheduleStore = {
    ...world.schedules,
    async claim(ask) {
      const claim = await world.schedules.claim(ask)
      if (claim.due.length === 0 || lost++ > 0) return claim
      throw new Error("the line is cut")
    },
  }
  const stop = world.boot({ schedules })
  await world.advance(30 * MINUTE + 1000)
  expect(lost).toBe(2)
  expect(await world.fired("hourly")).toEqual(["11:00"])
  await stop()
})
