import { expect, test } from "bun:test"
import { jobOf } from "../support/job.ts"
import { startPool, untilGone } from "./pool.ts"

const TASKS = `
export const pid = () => process.pid
export const version = () => 1
export const hold = async (_, ctx) => {
  ctx.log.info("holding")
  await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve))
  return process.pid
}
const kept = []
export const leak = () => { kept.push(Buffer.alloc(150_000_000, 1)); return process.pid }
`
const resultOf = (outcome: { kind: string }) => (outcome as { result?: unknown }).result

test("an isolate is replaced after its number of tasks", async () => {
  await using it = await startPool(TASKS, { maxTasks: 3 })
  const pids = []
  for (let n = 0; n < 9; n++) pids.push(resultOf(await it.pool.run(jobOf("pid"))))
  expect(new Set(pids).size).toBe(3)
  expect(new Set(pids.slice(0, 3)).size).toBe(1)
  expect(it.deaths).toEqual([])
})

test("all tasks of a burst run although each isolate takes only two", async () => {
  await using it = await startPool(TASKS, { maxTasks: 2, isolates: 2 })
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => it.pool.run(jobOf("pid"))))
  expect(outcomes.every(({ kind }) => kind === "succeeded")).toBeTrue()
  expect(new Set(outcomes.map(resultOf)).size).toBe(10)
})

test("an isolate that has grown too large finishes its runs and is replaced", async () => {
  await using it = await startPool(TASKS, { maxRssBytes: 150_000_000 })
  const holding = it.pool.run(jobOf("hold", null, { id: "h" }))
  await it.said("holding")
  const large = resultOf(await it.pool.run(jobOf("leak")))
  expect(resultOf(await it.pool.run(jobOf("pid")))).not.toBe(large)
  it.pool.abort("h", 1, "shutdown")
  expect(resultOf(await holding)).toBe(large)
  await untilGone(Number(large))
  expect(it.deaths).toEqual([])
})

test("a reload brings new code to new runs while old runs finish on the old", async () => {
  await using it = await startPool(TASKS)
  const holding = it.pool.run(jobOf("hold", null, { id: "h" }))
  await it.said("holding")
  it.folder.write("tasks.ts", "export const version = () => 2\nexport const added = () => 0\n")
  await it.pool.reload()
  expect([...it.pool.specs().keys()].sort()).toEqual(["added", "version"])
  expect(await it.pool.run(jobOf("version"))).toEqual({ kind: "succeeded", result: 2 })
  it.pool.abort("h", 1, "shutdown")
  const old = await holding
  expect(old.kind).toBe("succeeded")
  await untilGone(Number(resultOf(old)))
})

test("a reload that fails says where, and the old code goes on", async () => {
  await using it = await startPool(TASKS)
  const before = resultOf(await it.pool.run(jobOf("pid")))
  it.folder.write("tasks.ts", "export const version = = 2\n")
  await expect(it.pool.reload()).rejects.toMatchObject({
    kind: "invalid",
    message: expect.stringContaining("tasks.ts:1:"),
  })
  expect(await it.pool.run(jobOf("version"))).toEqual({ kind: "succeeded", result: 1 })
  expect(resultOf(await it.pool.run(jobOf("pid")))).toBe(before)
})

test("while no isolate can be started, what waits goes back at no cost, and the start is tried again", async () => {
  await using it = await startPool(TASKS)
  const pid = Number(resultOf(await it.pool.run(jobOf("pid"))))
  it.folder.write("tasks.ts", "throw new Error('not now')\n")
  process.kill(pid, "SIGKILL")
  await it.until(() => it.deaths.length >= 2)
  expect(it.deaths[1]?.reason).toContain("not now")
  expect(it.news).toEqual([expect.stringContaining("not now")])
  expect(await it.pool.run(jobOf("version"))).toEqual({ kind: "interrupted" })
  const never = new AbortController().signal
  const able = it.pool.able?.(never)
  const given = new AbortController()
  const left = it.pool.able?.(given.signal)
  given.abort()
  await left
  it.folder.write("tasks.ts", TASKS)
  await able
  expect(it.news.slice(1)).toEqual([""])
  expect(await it.pool.run(jobOf("version"))).toEqual({ kind: "succeeded", result: 1 })
})

test("an isolate that has read other code than those before it is told of once, until the reload", async () => {
  await using it = await startPool(
    'import { v } from "./lib/v.ts"\nexport const pid = () => process.pid\nexport const version = () => v\n',
    {
      files: { "lib/v.ts": "export const v = 1\n" },
    },
  )
  const replace = async () => {
    const pid = Number(resultOf(await it.pool.run(jobOf("pid"))))
    process.kill(pid, "SIGKILL")
    await untilGone(pid)
    await it.until(() => it.deaths.some((death) => death.pid === pid))
    return resultOf(await it.pool.run(jobOf("version")))
  }
  expect(await replace()).toBe(1)
  expect(it.news).toEqual([])
  it.folder.write("lib/v.ts", "export const v = 2\n")
  expect(await replace()).toBe(2)
  expect(await replace()).toBe(2)
  expect(it.news).toEqual([[it.folder.file("lib/v.ts")]])
  await it.pool.reload()
  expect(await replace()).toBe(2)
  expect(it.news).toHaveLength(1)
})

test("more isolates join, and those that are too many finish what they run before they go", async () => {
  await using it = await startPool(TASKS)
  const first = resultOf(await it.pool.run(jobOf("pid"))) as number
  const ids = ["a", "b", "c"]
  const holding = ids.map((id) => it.pool.run(jobOf("hold", null, { id })))
  await it.said("holding", 3)
  it.pool.resize?.(3)
  // The new ones hold nothing, so they are given everything until they hold as much.
  const pids = new Set<unknown>([first])
  while (pids.size < 3) {
    const two = await Promise.all([it.pool.run(jobOf("pid")), it.pool.run(jobOf("pid"))])
    for (const outcome of two) pids.add(resultOf(outcome))
  }
  it.pool.resize?.(1)
  const others = [...pids].filter((pid) => pid !== first) as number[]
  await Promise.all(others.map(untilGone))
  for (const id of ids) it.pool.abort(id, 1, "shutdown")
  const outcomes = await Promise.all(holding)
  expect(outcomes.map(resultOf)).toEqual([first, first, first])
  expect(resultOf(await it.pool.run(jobOf("pid")))).toBe(first)
  expect(it.deaths).toEqual([])
})

test("an isolate that is too many finishes its run and is not replaced", async () => {
  await using it = await startPool(TASKS, { isolates: 2 })
  const holding = ["a", "b"].map((id) => it.pool.run(jobOf("hold", null, { id })))
  await it.said("holding", 2)
  it.pool.resize?.(1)
  for (const id of ["a", "b"]) it.pool.abort(id, 1, "shutdown")
  const [one, two] = (await Promise.all(holding)).map(resultOf) as number[]
  expect(one).not.toBe(two)
  const stays = resultOf(await it.pool.run(jobOf("pid"))) as number
  await untilGone(stays === one ? (two as number) : (one as number))
  expect(it.deaths).toEqual([])
})
