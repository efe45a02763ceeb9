import { expect } from "bun:test"
import { calendarOf } from "../../src/core/beat/calendar.ts"
import { schedulePut } from "../../src/core/beat/put.ts"
import { HISTORY } from "../../src/core/contracts/schedules.ts"
import { parseSchedule } from "../../src/core/task/schedule.ts"
import { stemCommand } from "../support/executable.ts"
import { fact, type Scene } from "./scene.ts"

/** Beats as processes, and a schedule of which every instant is to fire once. */
export interface Beats {
  /** Starts a Beat: `stem beat`, or what else is named. */
  start(...words: string[]): Bun.Subprocess
  /** How many instants have fired. */
  fired(): Promise<number>
  /**
   * Waits until every instant up to now has fired, counts them against the tasks there are, and says the counts: none
   * may be missing, none may be there twice.
   */
  count(label: string, withinMs?: number): Promise<void>
  close(): Promise<void>
}

/** Stores a schedule of one firing a second. */
export async function beatsOf(scene: Scene): Promise<Beats> {
  const { schedules, inspector, clock } = scene.stores
  const schedule = parseSchedule({
    ...{ v: 1, name: "second", task: "beaten", spec: { kind: "every", everyMs: 1000 } },
    ...{ queue: "nobody", misfire: { policy: "all", windowMs: 3_600_000 } },
  })
  const from = clock.now()
  await schedules.put([schedulePut(schedule, from)])
  const beats: Bun.Subprocess[] = []
  const history = async () =>
    (await schedules.history("second", HISTORY)).filter(({ id }) => id !== undefined)

  return {
    start(...words) {
      const beat = Bun.spawn({
        cmd: [...stemCommand(), ...(words.length > 0 ? words : ["beat"]), "--log-level", "silent"],
        ...{ cwd: scene.folder, env: scene.env, stdio: ["ignore", "ignore", "inherit"] },
      })
      beats.push(beat)
      return beat
    },
    fired: async () => (await history()).length,
    async count(label, withinMs = 20_000) {
      const due = calendarOf(schedule).between(from, clock.now(), 10_000)
      let done = await history()
      await fact(
        async () => {
          done = await history()
          return done.length >= due.length
        },
        withinMs,
        () => `${label}: every instant has fired (${done.length} of ${due.length} have)`,
      )
      // What has fired since is counted too, so the two are read until they are of one moment.
      const tasks = await inspector.list({ limit: 10_000, task: "beaten" })
      const until = Math.max(...due)
      const instants = done.map(({ nominalAt }) => nominalAt).filter((at) => at <= until)
      const ids = done.flatMap(({ id, nominalAt }) => (nominalAt <= until ? (id as string) : []))
      const there = tasks.map(({ status }) => status.id)
      const missing = due.filter((at) => !instants.includes(at))
      const without = ids.filter((id) => !there.includes(id))
      const twice = instants.length - new Set(instants).size + there.length - new Set(there).size
      const late = done.map(({ latenessMs }) => latenessMs).sort((a, b) => a - b)
      console.log(
        `${label}: ${due.length} instants, ${missing.length} missing, ${twice} twice, ${without.length} without a task; ` +
          `late by ${late[Math.floor(late.length / 2)]} ms (p50), ${late.at(-1)} ms at most`,
      )
      expect({ missing, without, twice }).toEqual({ missing: [], without: [], twice: 0 })
      const named = new Set(
        calendarOf(schedule)
          .between(from, clock.now() + 1000, 10_000)
          .map(idAt),
      )
      expect(there.filter((id) => !named.has(id))).toEqual([])
    },
    async close() {
      for (const one of beats) one.kill("SIGKILL")
      await Promise.all(beats.map((one) => one.exited))
    },
  }
}

const idAt = (nominalAt: number) => `second@${new Date(nominalAt).toISOString().replace(".000Z", "Z")}`
