import { describe, expect, test } from "bun:test"
import { open } from "../../src/adapters/memory/driver.ts"
import { beat } from "../../src/core/beat/beat.ts"
import { calendarOf } from "../../src/core/beat/calendar.ts"
import { schedulePut } from "../../src/core/beat/put.ts"
import { splitSchedules } from "../../src/core/client/split-schedules.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { ScheduleStore } from "../../src/core/contracts/schedules.ts"
import type { WorkerEvent } from "../../src/core/observe/events.ts"
import { parseSchedule, type Schedule, type ScheduleDraft } from "../../src/core/task/schedule.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { seededRandom } from "../support/random.ts"
import { type Machine, machine } from "./machine.ts"

const SEEDS = Number(process.env.STEM_SIM_SEEDS ?? 200)
const FIRST = Number(process.env.STEM_SIM_SEED ?? 1)
let stores = 0

interface World {
  readonly clock: ManualClock
  readonly store: Driver
  readonly schedules: ScheduleStore
  readonly events: WorkerEvent[]
  /** Starts a Beat on a machine of its own. */
  boot(): Machine
  add(draft: Partial<ScheduleDraft> & Pick<ScheduleDraft, "name" | "spec">): Promise<Schedule>
  stop(): Promise<void>
}

async function worldOf(seed: number, two = false): Promise<World> {
  const clock = manualClock({ seed })
  const tasks = await open(`memory:beats-${++stores}`, { namespace: "sim", clock })
  const plans = two ? await open(`memory:beats-${++stores}`, { namespace: "sim", clock }) : tasks
  const store: Driver = { ...tasks, schedules: plans.schedules }
  const schedules = store.schedules as ScheduleStore
  const events: WorkerEvent[] = []
  const end = new AbortController()
  const beats: Promise<void>[] = []
  return {
    ...{ clock, store, schedules, events },
    boot() {
      const own = machine(clock, store)
      const { broker, inspector, results } = own.driver
      const seen = own.driver.schedules as ScheduleStore
      const parts = {
        ...{ broker, inspector, results, clock: own.clock, holder: `beat-${beats.length}` },
        schedules: two ? splitSchedules(seen, broker) : seen,
        emit: (event: WorkerEvent) => void events.push(event),
      }
      beats.push(beat(parts, end.signal))
      return own
    },
    async add(draft) {
      const schedule = parseSchedule({ v: 1, task: "sim", ...draft })
      await schedules.put([schedulePut(schedule, clock.now())])
      return schedule
    },
    async stop() {
      end.abort()
      await clock.advance(1)
    },
  }
}

const ALL = { policy: "all", windowMs: 86_400_000, max: 1000 } as const

/** The nominal instants that have fired, oldest first. */
const fired = async ({ schedules }: World, name: string) =>
  (await schedules.history(name, 1000)).flatMap(({ id, nominalAt }) => (id ? [nominalAt] : [])).reverse()

/** Three Beats, a fault every few seconds, then peace. */
async function storm(
  seed: number,
  two: boolean,
): Promise<{ world: World; from: number; list: readonly Schedule[] }> {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const world = await worldOf(seed, two)
  const { clock } = world
  const from = clock.now()
  const list = [
    await world.add({ name: "second", spec: { kind: "every", everyMs: 1000 }, misfire: ALL }),
    await world.add({ name: "odd", spec: { kind: "every", everyMs: 3700, anchor: 17 }, misfire: ALL }),
    await world.add({ name: "cron", spec: { kind: "cron", expression: "*/5 * * * * *" }, misfire: ALL }),
  ]
  let machines = [world.boot(), world.boot(), world.boot()]
  for (let n = 0; n < 20; n++) {
    await clock.advance(pick(6000))
    const own = machines[pick(machines.length)] as Machine
    const fault = pick(8)
    if (fault === 0) {
      own.kill()
      machines = [...machines.filter((one) => one !== own), world.boot()]
    } else if (fault === 1) own.pause()
    else if (fault === 2) own.resume()
    else if (fault === 3) own.cut("before")
    else if (fault === 4) own.cut("after")
    else if (fault === 5) machines.push(world.boot())
    else own.cut("no")
  }
  for (const own of machines) {
    own.cut("no")
    own.resume()
  }
  await clock.advance(20_000)
  await world.stop()
  return { world, from, list }
}

describe("Beats under faults", () => {
  test.each([
    ["one store", false],
    ["tasks and schedules in two stores", true],
  ])(
    `each nominal instant fires exactly once, over ${SEEDS} seeds from ${FIRST}: %s`,
    async (name, two) => {
      let firings = 0
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const { world, from, list } = await storm(seed, two)
        for (const schedule of list) {
          const due = calendarOf(schedule).between(from, world.clock.now() - 1, 10_000)
          const done = await fired(world, schedule.name)
          expect({ seed, name: schedule.name, done }).toEqual({ seed, name: schedule.name, done: [...due] })
          firings += done.length
        }
        const tasks = await world.store.inspector.list({ limit: 100_000 })
        const all = (await Promise.all(list.map(({ name }) => fired(world, name)))).flat()
        expect({ seed, tasks: tasks.length }).toEqual({ seed, tasks: all.length })
      }
      console.log(`${name}, ${SEEDS} seeds: ${firings} instants, none missing, none twice`)
    },
    120_000,
  )

  test("a week passes in a second, and nothing is missing", async () => {
    const world = await worldOf(7)
    const from = world.clock.now()
    const hourly = await world.add({ name: "hourly", spec: { kind: "cron", expression: "0 * * * *" } })
    const nightly = await world.add({
      ...{ name: "nightly", timezone: "Europe/Berlin" },
      spec: { kind: "cron", expression: "30 2 * * *" },
    })
    world.boot()
    await world.clock.advance(7 * 86_400_000)
    for (const schedule of [hourly, nightly])
      expect(await fired(world, schedule.name)).toEqual([
        ...calendarOf(schedule).between(from, world.clock.now(), 1000),
      ])
    expect((await fired(world, "hourly")).length).toBe(168)
    const late = world.events.flatMap((event) => (event.kind === "schedule_fired" ? [event.latenessMs] : []))
    expect(Math.max(...late)).toBe(0)
    await world.stop()
  })
})
