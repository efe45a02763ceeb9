import { expect, test } from "bun:test"
import { jobOf } from "../support/job.ts"
import { startPool } from "./pool.ts"

const TASKS = `
export const spin = (_, ctx) => { ctx.log.info("spinning"); for (;;) {} }
export const hang = async (_, ctx) => { ctx.log.info("hanging"); await new Promise(() => {}) }
export const polite = (_, ctx) => new Promise((resolve) => {
  ctx.signal.addEventListener("abort", () => resolve([ctx.signal.reason instanceof Error, ctx.signal.reason.code]))
  ctx.log.info("listening")
})
export const deaf = async (_, ctx) => { ctx.log.info("listening"); await new Promise(() => {}) }
export const quick = () => "quick"
export const blockFor = (ms, ctx) => { ctx.log.info("blocking"); const end = Date.now() + ms; while (Date.now() < end); return "blocked" }
`
const HARD = { kind: "failed", error: { name: "HardTimeLimit", code: "hard_time_limit" } }

test("a busy loop is killed at its hard limit, and its neighbours do not pay", async () => {
  await using it = await startPool(TASKS)
  const neighbour = it.pool.run(jobOf("hang"))
  await it.said("hanging")
  const spinning = it.pool.run(jobOf("spin", null, { hardMs: 100 }))
  expect(await spinning).toMatchObject(HARD)
  expect(await it.pool.run(jobOf("quick"))).toEqual({ kind: "succeeded", result: "quick" })
  await it.pool.stop()
  expect(await neighbour).toEqual({ kind: "interrupted" })
})

test("an awaiting handler is ended by its hard limit too", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("hang", null, { hardMs: 50 }))).toMatchObject(HARD)
})

test("a run kept from starting by a busy neighbour is not charged for its hard limit", async () => {
  await using it = await startPool(TASKS)
  const blocking = it.pool.run(jobOf("blockFor", 400))
  await it.said("blocking")
  const behind = it.pool.run(jobOf("quick", null, { hardMs: 100 }))
  expect(await blocking).toEqual({ kind: "succeeded", result: "blocked" })
  expect(await behind).toEqual({ kind: "succeeded", result: "quick" })
})

test("who holds the thread is charged for it, not those whose time ran out behind it", async () => {
  await using it = await startPool(TASKS)
  const blocking = it.pool.run(jobOf("blockFor", 60_000, { hardMs: 800 }))
  const behind = [1, 2, 3].map(() => it.pool.run(jobOf("quick", null, { hardMs: 100 })))
  expect(await Promise.all(behind)).toEqual(Array(3).fill({ kind: "succeeded", result: "quick" }))
  expect(await blocking).toMatchObject(HARD)
})

test("the soft limit aborts the signal, with an error that says so", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("polite", null, { softMs: 20 }))).toEqual({
    kind: "succeeded",
    result: [true, "soft_time_limit"],
  })
})

test.each(["cancelled", "lease_lost", "shutdown"] as const)(
  "an abort tells its reason: %s",
  async (reason) => {
    await using it = await startPool(TASKS)
    const run = it.pool.run(jobOf("polite", null, { id: "a", token: 2 }))
    await it.said("listening")
    it.pool.abort("a", 1, reason)
    it.pool.abort("b", 2, reason)
    it.pool.abort("a", 2, reason)
    expect(await run).toEqual({ kind: "succeeded", result: [true, reason] })
  },
)

test("terminate ends a deaf run as cancelled and its neighbours as interrupted", async () => {
  await using it = await startPool(TASKS)
  const deaf = it.pool.run(jobOf("deaf", null, { id: "a" }))
  const neighbour = it.pool.run(jobOf("hang"))
  await it.said("listening")
  await it.said("hanging")
  it.pool.terminate("a", 1)
  expect(await deaf).toEqual({ kind: "cancelled" })
  expect(await neighbour).toEqual({ kind: "interrupted" })
})

test("a blocked event loop without a hard limit is left alone while the others go on", async () => {
  await using it = await startPool(TASKS, { isolates: 2 })
  const blocked = it.pool.run(jobOf("spin", null, { id: "s" }))
  await it.said("spinning")
  for (let round = 0; round < 20; round++)
    expect(await it.pool.run(jobOf("quick"))).toEqual({ kind: "succeeded", result: "quick" })
  it.pool.terminate("s", 1)
  expect(await blocked).toEqual({ kind: "cancelled" })
})

test("stop ends what still runs as interrupted, and what comes later too", async () => {
  await using it = await startPool(TASKS)
  const runs = [it.pool.run(jobOf("hang")), it.pool.run(jobOf("spin"))]
  await it.said("spinning")
  await it.pool.stop()
  expect(await Promise.all(runs)).toEqual([{ kind: "interrupted" }, { kind: "interrupted" }])
  expect(await it.pool.run(jobOf("quick"))).toEqual({ kind: "interrupted" })
  expect(it.deaths).toEqual([])
})
