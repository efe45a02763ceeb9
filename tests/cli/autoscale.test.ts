import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeStem, type Stem, TASKS } from "./stem.ts"

let stem: Stem
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
})
afterAll(() => stem.remove())

test("stem worker --autoscale says when it grows and shrinks, and why", async () => {
  const path = `${stem.folder}/go-on`
  for (let n = 0; n < 6; n++) await stem.run(["enqueue", "until", `path=${path}`, "--id", `u-${n}`])
  const worker = stem.start(
    ["worker", "tasks.ts", "--autoscale", "1-4", "--autoscale-up", "3", "--autoscale-cooldown", "1ms"],
    { env: { STEM_AUTOSCALE_DOWN: "3", STEM_AUTOSCALE_WAIT: "10ms" } },
  )
  await worker.says("4 at once from now on, not 1: 5 tasks waiting for 1 slot")
  await worker.says('"to":4')
  await stem.write("go-on", "")
  await worker.says("1 at once from now on, not 4: nothing waited")
  worker.child.kill("SIGTERM")
  expect((await worker.done).code).toBe(0)
  for (let n = 0; n < 6; n++)
    expect(await stem.json(["result", `u-${n}`])).toMatchObject({ state: "succeeded", attempt: 1 })
}, 30_000)

test.each([
  [["--autoscale", "4"], '--autoscale: "4" is not a range of whole numbers from 1 to 10000, as in 2-16'],
  [["--autoscale", "0-4"], '"0-4" is not a range'],
  [["--autoscale", "9-4"], '"9-4": the least, 9, is more than the most, 4'],
  [["--autoscale", "2-4", "--concurrency", "5"], "5 is not within worker.autoscale, 2-4"],
  [["--autoscale-up", "5"], "worker.autoscale-up is set, and worker.autoscale is not"],
] as const)("stem worker %j is refused", async (flags, message) => {
  const { code, err } = await stem.run(["worker", "tasks.ts", ...flags])
  expect({ code, told: err.includes(message) ? message : err }).toEqual({ code: 2, told: message })
})
