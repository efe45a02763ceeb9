import { expect, test } from "bun:test"
import { jobOf } from "../support/job.ts"
import { startPool } from "./pool.ts"

const TASKS = `
import { appendFileSync } from "node:fs"
export const hang = async (_, ctx) => { ctx.log.info("hanging"); await new Promise(() => {}) }
export const quick = () => "quick"
export const wait = async (ms) => { await Bun.sleep(ms); return "waited" }
export const kill = () => { process.kill(process.pid, "SIGKILL") }
export const killLater = async (ms) => { await Bun.sleep(ms); process.kill(process.pid, "SIGKILL") }
export const oom = () => { process.kill(process.pid, "SIGABRT") }
export const exit = async (code) => { await Bun.sleep(5); process.exit(code) }
export const count = async (file) => { appendFileSync(file, "x"); await Bun.sleep(30); return "counted" }
export const lateThrow = async () => { setTimeout(() => { throw new TypeError("thrown late") }, 5); await new Promise(() => {}) }
export const floating = async () => { Promise.reject(new RangeError("nobody awaited")); await new Promise(() => {}) }
export const afterEnd = (_, ctx) => { setTimeout(() => { throw new Error("after the end") }, 20); return "ended" }
export const pid = () => process.pid
`
const lost = (code: string, text: string) => ({
  kind: "lost",
  error: { name: "IsolateCrashed", code, message: expect.stringContaining(text) },
})

test("a run whose isolate dies while it is alone is lost, and the isolate replaced", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("kill"))).toMatchObject(lost("isolate_crashed", "SIGKILL"))
  expect(await it.pool.run(jobOf("oom"))).toMatchObject(lost("isolate_crashed", "SIGABRT"))
  expect(await it.pool.run(jobOf("quick"))).toEqual({ kind: "succeeded", result: "quick" })
  expect(it.deaths).toMatchObject([
    { reason: "signal SIGKILL", running: 1 },
    { reason: "signal SIGABRT", running: 1 },
  ])
})

test("an isolate that is idle when it dies is replaced, and said to have died", async () => {
  await using it = await startPool(TASKS)
  const outcome = await it.pool.run(jobOf("pid"))
  const pid = outcome.kind === "succeeded" ? Number(outcome.result) : 0
  process.kill(pid, "SIGKILL")
  await it.until(() => it.deaths.length === 1)
  expect(it.deaths).toEqual([{ pid, reason: "signal SIGKILL", running: 0 }])
  expect(await it.pool.run(jobOf("quick"))).toMatchObject({ kind: "succeeded" })
})

test("process.exit costs only the run that called it", async () => {
  await using it = await startPool(TASKS)
  const neighbours = [it.pool.run(jobOf("hang")), it.pool.run(jobOf("hang"))]
  await it.said("hanging", 2)
  expect(await it.pool.run(jobOf("exit", 3))).toMatchObject(lost("isolate_exited", "process.exit(3)"))
  expect(await Promise.all(neighbours)).toEqual([{ kind: "interrupted" }, { kind: "interrupted" }])
  expect(await it.pool.run(jobOf("quick"))).toMatchObject({ kind: "succeeded" })
})

test("process.exit(0) is no success either", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("exit", 0))).toMatchObject(lost("isolate_exited", "process.exit(0)"))
})

test("when nobody knows who crashed it, suspects run again alone and only the guilty one is lost", async () => {
  await using it = await startPool(TASKS, { isolates: 2 })
  const innocent = Array.from({ length: 6 }, () => it.pool.run(jobOf("wait", 100)))
  const guilty = Array.from({ length: 2 }, () => it.pool.run(jobOf("killLater", 30)))
  for (const outcome of await Promise.all(guilty))
    expect(outcome).toMatchObject(lost("isolate_crashed", "SIGKILL"))
  for (const outcome of await Promise.all(innocent))
    expect(outcome).toEqual({ kind: "succeeded", result: "waited" })
})

test("suspects run one at a time, and a stop ends those that wait", async () => {
  await using it = await startPool(TASKS)
  const file = it.folder.file("count")
  const counts = Array.from({ length: 4 }, () => it.pool.run(jobOf("count", file)))
  const hanging = it.pool.run(jobOf("hang"))
  await it.said("hanging")
  const guilty = it.pool.run(jobOf("kill"))
  // Suspects keep their order: four are counted again, then the hanging one hangs alone and keeps the guilty one waiting.
  expect(await Promise.all(counts)).toEqual(Array(4).fill({ kind: "succeeded", result: "counted" }))
  expect(await Bun.file(file).text()).toBe("x".repeat(8))
  await it.said("hanging", 2)
  await it.pool.stop()
  expect(await Promise.all([hanging, guilty])).toEqual([{ kind: "interrupted" }, { kind: "interrupted" }])
})

test("a suspect that waits for its turn can be cancelled", async () => {
  await using it = await startPool(TASKS)
  const hanging = it.pool.run(jobOf("hang", null, { id: "first" }))
  await it.said("hanging")
  const waiting = it.pool.run(jobOf("killLater", 10, { id: "second" }))
  await it.said("hanging", 2)
  it.pool.abort("second", 1, "cancelled")
  expect(await waiting).toEqual({ kind: "cancelled" })
  it.pool.terminate("first", 1)
  expect(await hanging).toEqual({ kind: "cancelled" })
})

test("an error thrown outside of any await fails the run it belongs to, and nobody else", async () => {
  await using it = await startPool(TASKS)
  const before = await it.pool.run(jobOf("pid"))
  const neighbour = it.pool.run(jobOf("wait", 100))
  expect(await it.pool.run(jobOf("lateThrow"))).toMatchObject({
    kind: "failed",
    error: { name: "TypeError", message: "thrown late" },
  })
  expect(await neighbour).toEqual({ kind: "succeeded", result: "waited" })
  expect(await it.pool.run(jobOf("pid"))).toEqual(before)
})

test("a rejection nobody handles fails the run when it is alone", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("floating"))).toMatchObject({
    kind: "failed",
    error: { name: "RangeError", message: "nobody awaited" },
  })
})

test("a rejection of nobody known costs no run, and the isolate is replaced when they are through", async () => {
  await using it = await startPool(TASKS)
  const before = await it.pool.run(jobOf("pid"))
  const neighbour = it.pool.run(jobOf("wait", 100))
  const floating = it.pool.run(jobOf("floating", null, { hardMs: 400 }))
  expect(await neighbour).toEqual({ kind: "succeeded", result: "waited" })
  expect(await it.pool.run(jobOf("pid"))).not.toEqual(before)
  expect(await floating).toMatchObject({ error: { code: "hard_time_limit" } })
})

test("an error after a task's end is logged with the task's id", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("afterEnd", null, { id: "e" }))).toMatchObject({ kind: "succeeded" })
  await it.until(() => it.lines.length > 0)
  expect(it.lines).toMatchObject([
    { id: "e", level: "error", message: expect.stringContaining("after the end") },
  ])
})
