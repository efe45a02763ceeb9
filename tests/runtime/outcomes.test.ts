import { expect, test } from "bun:test"
import { jobOf } from "../support/job.ts"
import { startPool } from "./pool.ts"

const TASKS = `
import { defineTask, retryAfter } from "stem"

class Odd extends TypeError {}
const numbers = {
  "~standard": {
    version: 1, vendor: "test",
    validate: async (value) => typeof value === "number" ? { value: value * 2 } : { issues: [{ message: "a number is wanted", path: ["n"] }] },
  },
}
export const twice = defineTask({ input: numbers, run: (n) => n })
export const echo = (input) => input
export const nothing = () => {}
export const who = (_, ctx) => ({ ...ctx, signal: ctx.signal.aborted, log: 0, progress: 0, enqueue: 0, after: 0, once: 0 })
export const odd = () => { throw Object.assign(new Odd("odd"), { code: "E_ODD", cause: new Error("why") }) }
export const text = () => { throw "only text" }
export const later = () => { throw retryAfter("2s") }
export const date = () => { throw Object.assign(new Error("x"), { retryAfter: new Date(Date.now() + 60_000) }) }
export const backoff = defineTask({ backoff: (attempt) => attempt + "s", run() { throw new Error("x") } })
export const badBackoff = defineTask({ backoff() { throw new Error("no idea") }, run() { throw new Error("x") } })
export const bigint = () => 1n
export const large = () => "x".repeat(2_000_000)
export const cyclic = () => { const a = {}; a.a = a; return a }
export const ids = (_, ctx) => ({ pid: process.pid, id: ctx.id })
export const chatty = (_, ctx) => {
  for (let i = 1; i <= 1000; i++) ctx.progress(i, { of: 1000 })
  ctx.log.info("hello", { at: 1, error: new Error("inside"), big: 1n })
}
export const children = async (_, ctx) => [
  await ctx.enqueue("echo", { a: 1 }, { delay: "5s", at: new Date(5), expires: "1h" }),
  await ctx.enqueue(twice, 4),
  await ctx.enqueue("echo", null, { id: "mine", expires: new Date(9) }),
]
export const apart = async (_, { signal, log, progress, enqueue, after, once }) => {
  log.info("apart")
  progress(1)
  const sent = [await enqueue("echo"), after("echo")]
  return { aborted: signal.aborted, sent, kept: await once("kept", () => 5) }
}
export const copied = (_, ctx) => apart(_, { ...ctx })
export const unawaitedGood = (_, ctx) => { ctx.enqueue("echo") }
`

test("a handler's input, context and result cross the process boundary", async () => {
  await using it = await startPool(TASKS)
  const { pool } = it
  expect(await pool.run(jobOf("echo", { a: [1, null, "ü"] }))).toEqual({
    kind: "succeeded",
    result: { a: [1, null, "ü"] },
  })
  expect(await pool.run(jobOf("nothing"))).toEqual({ kind: "succeeded", result: null })
  expect(await pool.run(jobOf("twice", 21))).toEqual({ kind: "succeeded", result: 42 })
  expect(await pool.run(jobOf("who", { in: 1 }, { id: "t1", token: 7, attempt: 2 }))).toEqual({
    kind: "succeeded",
    result: {
      ...{ id: "t1", task: "who", queue: "default", attempt: 2, maxAttempts: 4, input: { in: 1 } },
      ...{ headers: {}, token: 7, idempotencyKey: "t1", signal: false },
      ...{ log: 0, progress: 0, enqueue: 0, after: 0, once: 0 },
    },
  })
  expect([...pool.specs().keys()]).toContain("twice")
})

test("a handler may take its context apart, and copy it", async () => {
  await using it = await startPool(TASKS)
  for (const task of ["apart", "copied"]) {
    const outcome = await it.pool.run(jobOf(task, null, { id: task }))
    expect(outcome).toMatchObject({
      kind: "succeeded",
      result: { aborted: false, sent: [expect.any(String), expect.any(String)], kept: 5 },
      after: [expect.objectContaining({ parent: task })],
    })
  }
  expect(it.lines).toHaveLength(2)
})

test("input that does not fit is final, with its issues in the message", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("twice", "x"))).toEqual({
    kind: "failed",
    error: { name: "InvalidInput", code: "invalid_input", message: "n: a number is wanted" },
    names: ["InvalidInput"],
    final: true,
  })
})

test("a failure keeps its name, code, stack, cause and the classes it is of", async () => {
  await using it = await startPool(TASKS)
  const outcome = await it.pool.run(jobOf("odd"))
  if (outcome.kind !== "failed") throw new Error(outcome.kind)
  expect(outcome.error).toMatchObject({ name: "TypeError", message: "odd", code: "E_ODD" })
  expect(outcome.error.cause).toMatchObject({ message: "why" })
  expect(outcome.error.stack).toContain("tasks.ts")
  expect(outcome.names).toEqual(["TypeError", "Odd", "Error"])
  expect(await it.pool.run(jobOf("text"))).toMatchObject({
    error: { name: "Error", message: "only text" },
    names: ["Error"],
  })
})

test("a handler may say when it is to be retried, and so may its task", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("later"))).toMatchObject({
    retryInMs: 2000,
    error: { name: "RetryAfter", code: "retry_after" },
  })
  const date = await it.pool.run(jobOf("date"))
  expect(date.kind === "failed" && date.retryInMs).toBeWithin(50_000, 60_001)
  expect(await it.pool.run(jobOf("backoff", null, { attempt: 3 }))).toMatchObject({ retryInMs: 3000 })
})

test("a backoff function that throws is shown, and the default is used", async () => {
  await using it = await startPool(TASKS)
  const outcome = await it.pool.run(jobOf("badBackoff"))
  expect(outcome).not.toHaveProperty("retryInMs")
  expect(outcome).toMatchObject({ kind: "failed", error: { message: "x" } })
  expect(it.lines).toMatchObject([{ level: "warn", message: expect.stringContaining("no idea") }])
})

test("a result that JSON can not carry fails for good, saying why", async () => {
  await using it = await startPool(TASKS)
  for (const [task, code] of [
    ["bigint", "not_representable"],
    ["cyclic", "not_representable"],
    ["large", "too_large"],
  ] as const)
    expect(await it.pool.run(jobOf(task))).toMatchObject({
      kind: "failed",
      final: true,
      error: { name: "InvalidResult", code },
    })
})

test("progress in a loop is told at once, then at its end, and before the outcome", async () => {
  await using it = await startPool(TASKS)
  await it.pool.run(jobOf("chatty", null, { id: "c", token: 3 }))
  const values = it.progress.map(({ progress }) => progress.value)
  expect(values.length).toBeLessThan(10)
  expect([values[0], values.at(-1)]).toEqual([1, 1000])
  expect(it.progress[0]).toMatchObject({ id: "c", token: 3, progress: { data: { of: 1000 } } })
})

test("log lines keep what JSON can not carry as text", async () => {
  await using it = await startPool(TASKS)
  await it.pool.run(jobOf("chatty", null, { id: "c" }))
  expect(it.lines).toMatchObject([
    {
      ...{ id: "c", task: "chatty", level: "info", message: "hello" },
      fields: { at: 1, big: "1", error: { name: "Error", message: "inside" } },
    },
  ])
})

test("children get ids from their parent and the order of the calls", async () => {
  await using it = await startPool(TASKS)
  const outcome = await it.pool.run(jobOf("children", null, { id: "p" }))
  expect(outcome).toEqual({ kind: "succeeded", result: ["p.1", "p.2", "mine"] })
  expect(it.asks).toEqual([
    {
      ...{ parent: "p", task: "echo", input: { a: 1 } },
      options: { id: "p.1", delay: "5s", at: 5, expires: "3600000ms" },
    },
    { parent: "p", task: "twice", input: 4, options: { id: "p.2" } },
    { parent: "p", task: "echo", input: null, options: { id: "mine", expires: 9 } },
  ])
})

test("an enqueue nobody waited for is finished before the task is", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("unawaitedGood"))).toEqual({ kind: "succeeded", result: null })
  expect(it.asks).toHaveLength(1)
})

test("a task that no module defines is said to be unknown", async () => {
  await using it = await startPool(TASKS)
  expect(await it.pool.run(jobOf("nope"))).toMatchObject({ kind: "failed", error: { code: "unknown_task" } })
})

test("each of many runs is given what is its own, alike or not", async () => {
  await using it = await startPool(TASKS)
  const facts = (n: number) => ({
    ...{ id: `own-${n}`, attempt: 1 + (n % 7 === 0 ? 1 : 0), token: 1 + (n % 11 === 0 ? 2 : 0) },
    ...{ maxAttempts: n % 13 === 0 ? 9 : 4, softMs: n % 5 === 0 ? 60_000 : 0 },
  })
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, n) => {
      const { delivery, ...job } = jobOf(n % 3 === 0 ? "echo" : "who", { n }, facts(n))
      const headers: Record<string, string> = n % 17 === 0 ? { n: `${n}` } : {}
      const envelope = { ...delivery.envelope, queue: n % 19 === 0 ? "other" : "default", headers }
      return it.pool.run({ ...job, delivery: { ...delivery, envelope } })
    }),
  )
  for (const [n, outcome] of outcomes.entries()) {
    const { id, attempt, token, maxAttempts } = facts(n)
    const queue = n % 19 === 0 ? "other" : "default"
    const headers = n % 17 === 0 ? { n: `${n}` } : {}
    const own = { id, attempt, token, maxAttempts, queue, headers, input: { n } }
    expect(outcome).toMatchObject({ kind: "succeeded", result: n % 3 === 0 ? { n } : own })
  }
})

test("runs are spread over the isolates", async () => {
  await using it = await startPool(TASKS, { isolates: 2 })
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => it.pool.run(jobOf("ids"))))
  const pids = outcomes.map((outcome) => (outcome as unknown as { result: { pid: number } }).result.pid)
  expect(new Set(pids).size).toBe(2)
  expect(pids.filter((pid) => pid === pids[0])).toHaveLength(10)
})

test("many large inputs and results at once arrive whole", async () => {
  await using it = await startPool(TASKS)
  const text = "x".repeat(900_000)
  const outcomes = await Promise.all(Array.from({ length: 150 }, () => it.pool.run(jobOf("echo", text))))
  for (const outcome of outcomes) expect(outcome.kind === "succeeded" && outcome.result === text).toBeTrue()
})
