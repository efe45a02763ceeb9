import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeStem, type Stem } from "./stem.ts"

const AROUND = `
import { appendFileSync } from "node:fs"
import { defineMiddleware } from "stem"
const say = (line) => appendFileSync("said", line + "\\n")
export const b = defineMiddleware({
  enqueue(ask, next) {
    if (ask.input?.refuse) throw new Error("not on Sundays")
    return next({ ...ask, options: { ...ask.options, queue: ask.input?.queue ?? ask.options.queue, headers: { ...ask.options.headers, b: "1" } } })
  },
  run: async (ctx, next) => ["b", await next()],
  onReady: () => say("ready"),
  onStopping: () => say("stopping"),
  onReceived: ({ id, attempt }) => say("received " + id + " " + attempt),
  onStarted: ({ id, attempt }) => say("started " + id + " " + attempt),
  onSucceeded: ({ id }) => say("succeeded " + id),
  onFailed: ({ id, attempt, error }) => say("failed " + id + " " + attempt + " " + error.message),
  onRetried: ({ id, at }) => say("retried " + id + " " + (at > 0)),
  onBuried: ({ id }) => say("buried " + id),
})
export const a = defineMiddleware({
  enqueue: (ask, next) => next({ ...ask, options: { ...ask.options, headers: { ...ask.options.headers, a: ask.options.headers?.b } } }),
  run: async (ctx, next) => ["a", await next(ctx.input?.inner ?? ctx.input)],
  onSucceeded: ({ id }) => say("and a saw " + id),
})
`
const TASKS = `
import { chain, defineSchedule, defineTask, step } from "stem"
export const echo = (input) => input
export const heads = (input, ctx) => ({ ...ctx.headers })
export const fails = defineTask({ retries: 1, backoff: { kind: "fixed", base: 1 }, run() { throw new Error("no") } })
export const parent = async (input, ctx) => {
  const id = await ctx.enqueue("heads", { queue: "kids" })
  return [id, await ctx.enqueue("heads", { refuse: true }).catch((error) => error.code + ": " + error.message)]
}
export const flows = async (_, ctx) => {
  ctx.after("heads", { queue: "kids" })
  return ctx.enqueue(chain(step("heads", { queue: "kids" }), step("heads", { queue: "kids" })))
}
export const refused = defineTask({ retries: 0, async run(_, ctx) {
  ctx.after("heads", { refuse: true })
  await new Promise((resolve) => setTimeout(resolve, 50))
} })
export const good = defineSchedule({ task: heads, every: "200ms", maxRuns: 1 })
export const bad = defineSchedule({ task: heads, every: "200ms", maxRuns: 1, input: { refuse: true } })
`
let stem: Stem
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("around.ts", AROUND)
  await stem.write("tasks.ts", TASKS)
})
afterAll(() => stem.remove())

const result = async (id: string) => (await stem.json(["result", id])).result
const drain = (...flags: string[]) => stem.run(["worker", "tasks.ts", "around.ts", "--drain", ...flags])
const said = async () => (await Bun.file(`${stem.folder}/said`).text()).trim().split("\n")

test("Middleware surrounds the handler, the first outermost, and may change input and result", async () => {
  await stem.run(["enqueue", "echo", '{"inner":5}', "--id", "e"])
  expect((await drain()).code).toBe(0)
  expect(await result("e")).toEqual(["b", ["a", 5]])
}, 20_000)

test("Hooks are told what became of each task, in order, and that the worker starts and stops", async () => {
  await stem.run(["enqueue", "fails", "--id", "f"])
  await Bun.write(`${stem.folder}/said`, "")
  for (const isolation of ["process", "none"]) {
    await stem.run(["enqueue", "echo", "--id", isolation])
    expect((await drain("--isolation", isolation)).code).toBe(0)
  }
  const lines = await said()
  expect(lines.filter((line) => line.split(" ").includes("f"))).toEqual([
    ...["received f 1", "started f 1", "failed f 1 no", "retried f true"],
    ...["received f 2", "started f 2", "failed f 2 no", "buried f"],
  ])
  for (const id of ["process", "none"])
    expect(lines.filter((line) => line.split(" ").includes(id))).toEqual([
      ...[`received ${id} 1`, `started ${id} 1`, `succeeded ${id}`, `and a saw ${id}`],
    ])
  expect(lines.filter((line) => ["ready", "stopping"].includes(line))).toEqual([
    ...["ready", "stopping", "ready", "stopping"],
  ])
}, 30_000)

test("Middleware adds headers, changes options and refuses, wherever a task is sent from", async () => {
  const around = `${stem.folder}/both.ts`
  await stem.write("both.ts", 'export * from "./around.ts"\nexport * from "./tasks.ts"\n')
  await stem.run(["enqueue", "heads", '{"queue":"kids"}', "--id", "h", "--module", around])
  expect(await stem.json(["result", "h"])).toMatchObject({ queue: "kids" })
  const refused = await stem.run(["enqueue", "heads", '{"refuse":true}', "--id", "r", "--module", around])
  expect(refused).toMatchObject({ code: 2, out: "" })
  expect(refused.err).toContain('middleware "b" refused heads: not on Sundays')
  expect((await stem.run(["result", "r"])).code).toBe(3)
  const lines = '{"task":"heads","id":"n1"}\n{"task":"heads","id":"n2","input":{"refuse":true}}\n'
  expect((await stem.run(["enqueue", "--file", "-", "--module", around], { stdin: lines })).code).toBe(2)
  expect((await stem.run(["result", "n1"])).code).toBe(3)
  await stem.run(["enqueue", "parent", "--id", "p"])
  expect((await drain("--queues", "default,kids")).code).toBe(0)
  const [, [, answer]] = (await result("p")) as [string, [string, unknown]]
  expect(answer).toEqual(["p.1", 'refused: middleware "b" refused heads: not on Sundays'])
  expect(await stem.json(["result", "p.1"])).toMatchObject({ queue: "kids" })
  for (const id of ["h", "p.1"])
    expect(await result(id)).toEqual(["b", ["a", expect.objectContaining({ a: "1", b: "1" })]])
}, 30_000)

test("Each step of a flow passes middleware, and what is to follow a success", async () => {
  const around = `${stem.folder}/both.ts`
  await stem.write("both.ts", 'export * from "./around.ts"\nexport * from "./tasks.ts"\n')
  await stem.run(["enqueue", "flows", "--id", "flow"])
  await stem.run(["enqueue", "refused", "--id", "never"])
  const then = ["--then", '{"task":"heads","input":{"refuse":true}}', "--module", around]
  const bad = await stem.run(["enqueue", "heads", "--id", "sunday", ...then])
  expect(bad).toMatchObject({ code: 2, out: "" })
  expect((await stem.run(["result", "sunday"])).code).toBe(3)
  expect((await drain("--queues", "default,kids")).code).toBe(0)
  for (const id of ["flow.1", "flow.1/1", "flow.a1"]) {
    expect(await stem.json(["result", id])).toMatchObject({ queue: "kids" })
    expect(await result(id)).toEqual(["b", ["a", expect.objectContaining({ a: "1", b: "1" })]])
  }
  expect(await stem.json(["result", "never"])).toMatchObject({
    ...{ state: "failed", error: { code: "refused" } },
  })
  expect((await stem.run(["result", "never.a1"])).code).toBe(3)
}, 30_000)

test("A program's own middleware is around what it sends, one refusal in many stores none", async () => {
  await stem.write(
    "program.ts",
    `import { connect, defineMiddleware } from ${JSON.stringify(`${import.meta.dir}/../../src/index.ts`)}
    const order = []
    const one = (name) => defineMiddleware({ name, async enqueue(ask, next) {
      order.push(name)
      if (ask.input === "no") throw new TypeError("no")
      const sent = await next({ ...ask, options: { ...ask.options, queue: "by-" + name } })
      order.push(sent.id)
      return sent
    } })
    const stem = await connect(undefined, { middleware: [one("x"), one("y")] })
    const sent = await stem.enqueue("echo", "yes", { id: "prog" })
    const many = await stem.enqueueMany([{ task: "echo", options: { id: "m1" } }, { task: "echo", input: "no" }]).catch((e) => [e.code, e.message])
    const fine = await stem.enqueueMany(["m2", "m3"].map((id) => ({ task: "echo", options: { id } })))
    const bad = await connect(undefined, { middleware: [{ onSend() {} }] }).catch((e) => e.code)
    console.log(JSON.stringify({ order: order.slice(0, 4), queue: sent.queue, many, fine: fine.map(({ id }) => id), bad, m1: (await stem.result("m1")) ?? null }))
    await stem.close()`,
  )
  const program = Bun.spawn([process.execPath, "program.ts"], {
    cwd: stem.folder,
    env: { ...process.env, STEM_BROKER_URL: `sqlite:${stem.folder}/stem.db` },
    stdout: "pipe",
  })
  expect(JSON.parse(await program.stdout.text())).toEqual({
    ...{ order: ["x", "y", "prog", "prog"], queue: "by-y", fine: ["m2", "m3"], m1: null },
    ...{ many: ["refused", 'middleware "x" refused echo: no'], bad: "invalid_middleware" },
  })
}, 20_000)

test("A firing goes through middleware, and one that is refused is skipped", async () => {
  for (const command of [["beat"], ["worker", "--beat"]]) {
    const own = await makeStem()
    try {
      await own.write("around.ts", AROUND)
      await own.write("tasks.ts", TASKS)
      const beat = own.start([...command, "tasks.ts", "around.ts", "--log-level", "debug"])
      await beat.says("good is over")
      await beat.says("bad is over")
      const history = async (name: string) => (await own.json(["schedule", "history", name]))[0]
      expect(await history("bad")).toMatchObject({
        ...{ state: "skipped", reason: 'middleware "b" refused heads: not on Sundays' },
      })
      const { id } = await history("good")
      beat.child.kill("SIGTERM")
      expect((await beat.done).code).toBe(0)
      await own.run(["worker", "tasks.ts", "around.ts", "--drain"])
      const { result: heads } = await own.json(["result", id])
      expect(heads).toEqual(["b", ["a", expect.objectContaining({ a: "1", b: "1" })]])
    } finally {
      await own.remove()
    }
  }
}, 40_000)

test("A hook that crashes and hangs costs no task an attempt, and the worker says what happened", async () => {
  const own = await makeStem()
  try {
    await own.write(
      "tasks.ts",
      `import { defineMiddleware } from "stem"
      export const wild = defineMiddleware({
        onReceived: () => { throw new Error("thrown") },
        async onStarted() { await new Promise(() => {}) },
        onSucceeded({ id }) { if (id === "t-3") process.exit(1) },
      })
      export const slow = async () => { await Bun.sleep(50); return "done" }`,
    )
    for (let n = 0; n < 8; n++) await own.run(["enqueue", "slow", "--id", `t-${n}`])
    const { code, err } = await own.run(["worker", "tasks.ts", "--drain", "--concurrency", "4"])
    expect(code).toBe(0)
    expect(err).toContain("onReceived of middleware wild failed: Error: thrown")
    for (let n = 0; n < 8; n++)
      expect(await own.json(["result", `t-${n}`])).toMatchObject({ state: "succeeded", attempt: 1 })
  } finally {
    await own.remove()
  }
}, 60_000)

test("what is no middleware is refused with file and line", async () => {
  await stem.write(
    "bad.ts",
    'import { defineMiddleware } from "stem"\n\nexport const odd = defineMiddleware({ onSend() {} })\n',
  )
  const { code, err } = await stem.run(["worker", "tasks.ts", "bad.ts"])
  expect(code).toBe(2)
  expect(err).toContain("bad.ts:3: odd.onSend: is no part of middleware")
})
