import { beforeAll, expect, test } from "bun:test"
import { loadModules } from "../../../src/runtime/modules/load.ts"
import { serveStem } from "../../../src/runtime/modules/virtual.ts"
import { publicNames } from "../../../src/stem.ts"
import { moduleFolder } from "../../support/module-folder.ts"

beforeAll(async () => serveStem(await publicNames()))

async function load(text: string) {
  using folder = moduleFolder({ "tasks.ts": text })
  return (await loadModules([folder.file("tasks.ts")])).schedules
}
const refusal = (text: string) =>
  load(text).then(
    () => "",
    (error) => String(error.message).replace(/^.*\//, ""),
  )

test("schedules beside tasks are found, and take queue and priority of their task", async () => {
  const schedules = await load(`
    import { defineSchedule, defineTask } from "stem"
    export const report = defineTask({ name: "report.daily", queue: "slow", priority: 2, run() {} })
    export function ping() {}
    export const nightly = defineSchedule({ cron: "0 3 * * *", task: report, input: { days: 1 } })
    export const often = { name: "often-indeed", every: "90s", task: ping, queue: "fast" }
    export const elsewhere = { every: "1h", task: "other.module" }
  `)
  expect(schedules).toMatchObject([
    { name: "elsewhere", task: "other.module" },
    {
      name: "nightly",
      task: "report.daily",
      input: { days: 1 },
      options: { defaults: { queue: "slow", priority: 2 } },
    },
    { name: "often-indeed", task: "ping", queue: "fast" },
  ])
  expect(schedules[0]?.source).toMatch(/^code:.*tasks\.ts$/)
})

test("a module may define schedules alone", async () => {
  expect(await load(`export const often = { every: "90s", task: "ping" }`)).toHaveLength(1)
})

test.each([
  [
    `\nexport const a = { every: "soon", task: "t" }`,
    `tasks.ts:2: schedule "a": every: "soon" is not a duration`,
  ],
  [
    `export const a = { every: "1s", task: () => {} }`,
    "tasks.ts:1: a.task: is no task that these modules export",
  ],
  [
    `export const a = { name: "x", every: "1s", task: "t" }\nexport const b = { ...a }`,
    `tasks.ts:2: two schedules are named "x"`,
  ],
])("a wrong schedule is refused with its file and line: %p", async (text, message) => {
  expect(await refusal(text)).toBe(message)
})
