import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { makeStem, type Stem } from "./stem.ts"

const TASKS = `
import { existsSync } from "node:fs"
import { chord, defineTask, step } from "stem"
export const add = ({ a, b }) => a + b
export const double = (n) => n * 2
export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0)
export const tell = (what) => what
export const none = defineTask({ retries: 0, run() { throw new Error("no luck") } })
export const tired = defineTask({ retries: 1, backoff: { kind: "fixed", base: 1 }, run() { throw new Error("tired") } })
export const mended = defineTask({ retries: 0, run() { if (!existsSync("mended")) throw new Error("not mended"); return 5 } })
export const parent = defineTask({ retries: 2, backoff: { kind: "fixed", base: 1 }, async run(_, ctx) {
  const once = await ctx.once("number", () => ctx.attempt)
  ctx.after("tell", { attempt: ctx.attempt })
  await ctx.enqueue(chord([step("double", 1), step("double", 2)], step("sum")))
  if (ctx.attempt < 3) throw new Error("again")
  return once
} })
export const careless = defineTask({ retries: 0, async run(_, ctx) {
  const wrong = [
    () => ctx.once("", () => 1), () => ctx.once({}, () => 1), () => ctx.once("x".repeat(1001), () => 1),
    () => ctx.enqueue(undefined), () => ctx.enqueue(chord(["tell"], step("sum"))), () => ctx.after(chord(["tell"], step("sum"))),
    () => ctx.enqueue(chord([step("tell", 1, { id: "mine" })], step("sum"))), () => ctx.enqueue(chord([step("tell", 1, { unique: true })], step("sum"))),
  ]
  return Promise.all(wrong.map(async (ask) => { try { await ask() } catch ({ code }) { return code } }))
} })
export const twice = defineTask({ retries: 0, run: (_, ctx) => Promise.all([ctx.once("n", () => 1), ctx.once("n", () => 2)]) })
export const childless = defineTask({ retries: 0, run(_, ctx) { ctx.after("tell", 1); throw new Error("no") } })
`

const STORES = ["sqlite", "redis", "postgres"] as const

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeEach(async () => {
    await stem?.remove()
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  const send = async (flow: unknown, ...args: string[]) =>
    (await stem.run(["canvas", "run", "-", ...args], { stdin: JSON.stringify(flow) })).out.trim()
  const result = (id: string) => stem.json(["result", id, "-o", "json"])
  const known = async (id: string) => (await stem.run(["result", id])).code !== 3
  const broken = { broken: "tell" }

  test("A chain goes on without its sender, each task given the result before it", async () => {
    const { out } = await stem.run([
      "enqueue",
      "add",
      "a=1",
      "b=2",
      "--then",
      "double",
      "--then",
      '{"task":"tell"}',
    ])
    await stem.drain()
    const id = out.trim()
    expect(await result(`${id}/1`)).toMatchObject({ task: "double", result: 6, parent: id })
    expect(await result(`${id}/2`)).toMatchObject({ task: "tell", result: 6, parent: `${id}/1` })
  })

  test("What is enqueued with --then is told in JSON as a plain task is, with its trail", async () => {
    const args = ["enqueue", "add", "a=1", "b=2", "--queue", "sums", "--id", "first"]
    expect(await stem.json([...args, "--then", "double"])).toEqual({
      ...{ id: "first", task: "add", queue: "sums", state: "queued", duplicate: false },
      trail: [{ task: "first" }, { task: "first/1" }],
    })
    expect(await stem.json([...args, "--then", "double"])).toMatchObject({ state: "queued", duplicate: true })
    const chord = `{"chord":["double"],"body":"tell"}`
    expect(await stem.json(["enqueue", "add", "--delay", "1h", "--then", chord])).toMatchObject({
      ...{ task: "add", queue: "default", state: "scheduled", duplicate: false },
    })
    const group = JSON.stringify({ group: [{ task: "double", input: 1 }] })
    const sent = await stem.json(["canvas", "run", "-"], { stdin: group })
    expect(Object.keys(sent).sort()).toEqual(["duplicate", "id", "trail"])
  })

  test("A chord's body is given the results in the order of the members", async () => {
    const members = [
      { chain: [{ task: "add", input: { a: 1, b: 1 } }, "double", "double"] },
      { task: "double", input: 1 },
      { map: "double", over: [1, 2] },
    ]
    const worker = stem.start(["worker", "tasks.ts"])
    await worker.says("ready")
    const flow = JSON.stringify({ chord: members, body: "tell" })
    const waited = await stem.run(["canvas", "run", "-", "--wait=30s"], { stdin: flow })
    expect(JSON.parse(waited.out)).toEqual([8, 2, [2, 4]])
    const empty = await stem.run(["canvas", "run", "-", "--wait=30s"], { stdin: '{"chord":[],"body":"sum"}' })
    expect(JSON.parse(empty.out)).toBe(0)
    worker.child.kill()
    await worker.done
  })

  test("A step that fails ends its chain, and whoever waits is told", async () => {
    const worker = stem.start(["worker", "tasks.ts"])
    await worker.says("ready")
    const waited = await stem.run(["enqueue", "none", "--then", "tell", "--id", "x", "--wait=30s"])
    expect(waited).toMatchObject({ code: 4, out: "" })
    expect(waited.err).toContain("the flow ended at x, which is failed: Error: no luck")
    expect(await known("x/1")).toBeFalse()
    worker.child.kill()
    await worker.done
  })

  test("A group with a failed, an expired, an unknown, a cancelled and an exhausted member breaks once", async () => {
    const members = [
      "none",
      { task: "tell", input: 1, expires: "1s" },
      { task: "nobody", retries: 0 },
      { task: "tell", input: 2, delay: "1h" },
      "tired",
      { task: "tell", input: 3 },
    ]
    await send({ group: members, id: "g", ...broken })
    await stem.run(["cancel", "g:3"])
    // What it waits for is the time itself.
    await Bun.sleep(1000)
    await stem.drain()
    expect(await stem.json(["inspect", "groups", "-o", "json"])).toMatchObject([
      { id: "g", state: "broken", size: 6, arrived: 6, failed: 5 },
    ])
    const told = await result("g:broken")
    expect(told).toMatchObject({ state: "succeeded", attempt: 1, result: { group: "g" } })
    expect(await known("g:body")).toBeFalse()
    expect(await result("g:5")).toMatchObject({ state: "succeeded", group: "g" })
    const tree = await stem.run(["inspect", "group", "g"])
    expect(tree.out).toContain("group  g  broken  (6 of 6, 5 failed)")
    expect(tree.out).toContain("├─ #0  g:0  failed  no luck")
    expect(tree.out).toContain("├─ #1  g:1  expired  it was not begun in time")
    expect(tree.out).toContain("├─ #3  g:3  cancelled  it was cancelled")
    expect(tree.out).toContain("├─ #5  g:5  succeeded")
    expect(await stem.json(["inspect", "group", "g", "-o", "json"])).toMatchObject({
      ...{ id: "g", state: "broken", size: 6, arrived: 6, failed: 5 },
    })
    expect(tree.out).toContain("└─ broken  g:broken  tell  succeeded")
  })

  test("A member's dead letter is replayed alone, and rejoins its group when it is told to", async () => {
    const flow = (id: string) => ({
      chord: [{ task: "double", input: 1 }, "mended"],
      body: "sum",
      id,
      ...broken,
    })
    await send(flow("alone"))
    await send(flow("back"))
    await stem.drain()
    await stem.write("mended", "")
    await stem.run(["dlq", "replay", "alone:1"])
    await stem.run(["dlq", "replay", "back:1", "--rejoin"])
    await stem.drain()
    expect(await result("alone:1")).toMatchObject({ state: "succeeded", result: 5 })
    expect(await known("alone:body")).toBeFalse()
    expect(await result("back:body")).toMatchObject({ state: "succeeded", result: 7 })
    expect(await result("back:broken")).toMatchObject({ attempt: 1 })
  })

  test("A flow is sent once by a task that runs again, and what is to follow its success once", async () => {
    await stem.run(["enqueue", "parent", "--id", "p"])
    await stem.run(["enqueue", "childless", "--id", "c"])
    await stem.drain()
    // The first attempt kept its number; the third one was given it.
    expect(await result("p")).toMatchObject({ state: "succeeded", attempt: 3, result: 1 })
    expect(await result("p.a1")).toMatchObject({ result: { attempt: 3 }, attempt: 1 })
    expect(await result("p.1:body")).toMatchObject({ result: 6, attempt: 1 })
    expect(await known("c.a1")).toBeFalse()
    await stem.run(["enqueue", "twice", "--id", "t"])
    await stem.drain()
    expect(await result("t")).toMatchObject({ state: "failed", error: { code: "once_twice" } })
    expect(
      (await stem.json(["inspect", "groups", "-o", "json"])).map(({ id }: { id: string }) => id),
    ).toEqual(["p.1"])
  })

  test("what a handler asks for in a wrong way is refused with a code", async () => {
    await stem.run(["enqueue", "careless", "--id", "careless"])
    await stem.drain()
    const name = "invalid_name"
    expect((await result("careless")).result).toEqual([
      ...[name, name, name, "unnamed_task", "invalid_flow", "invalid_flow", "inner_id", "unique_step"],
    ])
  })

  test("A bad flow is told with its place, and nothing is stored", async () => {
    const bad: [unknown, string][] = [
      [{ chain: [] }, "a chain has no steps"],
      [
        { chain: ["tell", { group: [{ task: "tell", prio: 1 }] }] },
        'chain[1].group[0]: unknown field "prio"',
      ],
      [{ group: "tell" }, "at group: it is not a list"],
      [{ chord: ["tell"] }, "a chord has a body"],
      [{ chunks: "tell", over: [1], size: 0 }, "at size: it is not a whole number from 1 on"],
      [{ chunks: "tell", over: [1] }, "at size: it is not a whole number from 1 on"],
      [{ chain: ["tell", { task: "tell", queue: "a b" }] }, 'at chain[1].queue: "a b" is not a valid name'],
      [{ group: ["tell", "a b"] }, 'at group[1].task: "a b" is not a valid name'],
      [{ group: ["tell"], id: "a b" }, '"a b" is not a valid id'],
      [{ group: ["tell", { task: "tell", id: "mine" }] }, "mine is within a flow"],
      [{ chain: ["tell", { task: "tell", unique: true }] }, "tell is unique"],
      [{ task: "tell", fair: { key: "a", weigt: 2 } }, 'fair: unknown field "weigt"'],
      [{ chain: ["tell"], group: [] }, "it has to have one of"],
      [{ group: ["tell"], tolerate: -1 }, "at tolerate: it is not a whole number"],
      [7, "neither the name of a task nor an object"],
    ]
    for (const [flow, told] of bad) {
      const { code, err } = await stem.run(["canvas", "run", "-"], { stdin: JSON.stringify(flow) })
      expect({ code, told: err.includes(told), err }).toMatchObject({ code: 2, told: true })
    }
    expect((await stem.run(["canvas", "run", "none.json"])).code).toBe(2)
    expect((await stem.run(["canvas", "run", "-"], { stdin: "{" })).code).toBe(2)
    expect((await stem.run(["inspect", "group", "never"])).code).toBe(3)
    expect(await stem.json(["inspect", "-o", "json"])).toMatchObject({ queues: [] })
  })

  test("A double is refused, and its sender is told which task is there", async () => {
    const unique = (...args: string[]) => stem.run(["enqueue", "tell", "n=1", "--delay", "1h", ...args])
    const first = await unique("--unique")
    const same = await stem.json(["enqueue", "tell", '{"n":1}', "--unique", "-o", "json"])
    expect(same).toMatchObject({ id: first.out.trim(), duplicate: true, state: "scheduled" })
    expect((await unique("--unique", "--fail-on-duplicate")).code).toBe(6)
    expect((await unique("--unique=other")).out).not.toBe(first.out)
    await stem.run(["cancel", first.out.trim()])
    expect((await unique("--unique")).out).not.toBe(first.out)
    expect((await unique("--unique-mode", "sometimes")).code).toBe(2)
    expect((await unique("--unique-mode", "throttle")).code).toBe(2)
    const lines = '{"task":"tell","unique":"k","delay":"1h"}\n{"task":"tell","unique":"k"}\n'
    const many = await stem.run(["enqueue", "--file", "-", "-o", "name"], { stdin: lines })
    expect(new Set(many.out.trim().split("\n")).size).toBe(1)
  })

  test("One key's backlog does not delay another's first task", async () => {
    const lines = Array.from({ length: 200 }, (_, n) =>
      JSON.stringify({ task: "tell", input: n, fair: "noisy" }),
    )
    await stem.run(["enqueue", "--file", "-"], { stdin: lines.join("\n") })
    await stem.run(["enqueue", "tell", '"quiet"', "--fair", "quiet", "--id", "quiet"])
    const drain = ["worker", "tasks.ts", "--drain", "--concurrency", "1", "--log-level", "info"]
    const { err } = await stem.run(drain)
    const order = err.split("\n").filter((line) => line.includes('"event":"succeeded"'))
    expect(order).toHaveLength(201)
    expect(order.findIndex((line) => line.includes('"id":"quiet"'))).toBeLessThanOrEqual(2)
  })
})
