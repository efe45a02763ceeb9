import { afterEach, expect, test } from "bun:test"
import { calendarOf } from "../../src/core/beat/calendar.ts"
import { schedulePut } from "../../src/core/beat/put.ts"
import { parseSchedule } from "../../src/core/task/schedule.ts"
import { stemCommand } from "../support/executable.ts"
import { seededRandom } from "../support/random.ts"
import { fact, openScene, type Scene } from "./scene.ts"

let scene: Scene
let beats: Bun.Subprocess[] = []
afterEach(async () => {
  for (const one of beats) one.kill("SIGKILL")
  await Promise.all(beats.map((one) => one.exited))
  beats = []
  await scene.close()
})

const KILLS = Number(process.env.STEM_CHAOS_KILLS ?? 20)
const random = seededRandom(Number(process.env.STEM_CHAOS_SEED ?? 11))

function startBeat(...flags: string[]): Bun.Subprocess {
  const beat = Bun.spawn({
    cmd: [...stemCommand(), "beat", "--log-level", "error", ...flags],
    cwd: scene.folder,
    env: scene.env,
    stdio: ["ignore", "ignore", "inherit"],
  })
  beats.push(beat)
  return beat
}

test("two Beats and a kill every second fire each instant of a one-second schedule once", async () => {
  scene = await openScene("sqlite")
  const { schedules, inspector, clock } = scene.stores
  const schedule = parseSchedule({
    ...{ v: 1, name: "second", task: "work", spec: { kind: "every", everyMs: 1000 } },
    misfire: { policy: "all", windowMs: 3_600_000 },
  })
  const from = clock.now()
  await schedules.put([schedulePut(schedule, from)])
  const team = [startBeat(), startBeat()]
  const fired = async () =>
    (await schedules.history("second", 1000)).flatMap(({ id, nominalAt }) => (id ? nominalAt : []))
  await fact(async () => (await fired()).length > 0, 20_000, "the first firing")
  for (let n = 0; n < KILLS; n++) {
    // Anywhere between two instants, and right at one.
    await Bun.sleep(
      n % 3 === 0 ? 1000 - (clock.now() % 1000) + Math.floor(random() * 12) : 500 + random() * 1000,
    )
    const at = n % 2
    team[at]?.kill("SIGKILL")
    team[at] = startBeat()
  }
  const to = clock.now()
  const due = calendarOf(schedule).between(from, to, 10_000)
  await fact(async () => (await fired()).length >= due.length, 20_000, "every instant has fired")
  const history = await schedules.history("second", 1000)
  const done = history.map(({ nominalAt }) => nominalAt).reverse()
  const tasks = await inspector.list({ limit: 10_000 })
  const late = history.map(({ latenessMs }) => latenessMs).sort((a, b) => a - b)
  console.log(
    `${KILLS} kills: ${due.length} instants, ${due.filter((at) => !done.includes(at)).length} missing, ` +
      `${tasks.length - new Set(done).size} twice; late by ${late[Math.floor(late.length / 2)]} ms (p50), ${late.at(-1)} ms at most`,
  )
  expect(done.slice(0, due.length)).toEqual([...due])
  expect(tasks).toHaveLength(done.length)
}, 120_000)

test("a Beat that stands still fails its health, and another fires on", async () => {
  scene = await openScene("sqlite")
  const { schedules, workers, clock } = scene.stores
  const schedule = parseSchedule({ v: 1, name: "s", task: "work", spec: { kind: "every", everyMs: 500 } })
  await schedules.put([schedulePut(schedule, clock.now())])
  const stuck = startBeat("--name", "stuck")
  const alive = async () => (await workers.list()).some(({ name }) => name === "stuck")
  await fact(alive, 20_000, "it shows itself")
  stuck.kill("SIGSTOP")
  await fact(async () => !(await alive()), 25_000, "it is taken for gone")
  const before = (await schedules.history("s", 1000)).length
  startBeat()
  await fact(async () => (await schedules.history("s", 1000)).length > before + 3, 20_000, "another fires")
  stuck.kill("SIGCONT")
  await fact(alive, 20_000, "it is back")
}, 90_000)
