import { expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import type { HookEvent, Middleware } from "../../src/core/task/define-middleware.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { createAide } from "../../src/runtime/isolates/aide.ts"
import { createHookDesk } from "../../src/runtime/isolates/hook-desk.ts"
import { hookLog } from "../support/hook-log.ts"
import { jobOf } from "../support/job.ts"
import { moduleFolder } from "../support/module-folder.ts"
import { CHILD, startPool } from "./pool.ts"

const started = (id: string): HookEvent => [
  "onStarted",
  { id, task: "t", queue: "q", attempt: 1, worker: "w" },
]
const buried = (id: string): HookEvent => [
  "onBuried",
  { ...started(id)[1], error: { name: "E", message: "m" } } as never,
]
const linesOf = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [])

const HOOKS = `
import { appendFileSync } from "node:fs"
import { defineMiddleware } from "stem"
const say = (line) => appendFileSync(process.env.SAID, line + "\\n")
export const first = defineMiddleware({
  async onStarted({ id }) {
    if (id === "dies") process.exit(3)
    if (id === "blocks") for (;;) {}
    if (id === "throws") throw new TypeError("no")
    say("first started " + id)
  },
  onBuried({ id }) { say("first buried " + id) },
})
export const second = defineMiddleware({ onStarted({ id }) { say("second started " + id) } })
export const ping = () => process.pid
`

async function aideOf(module: string, more: { most?: number; patience?: number } = {}) {
  const folder = moduleFolder({ "tasks.ts": module })
  const said = folder.file("said")
  process.env.SAID = said
  const log = hookLog()
  const aide = createAide({
    ...{ command: CHILD, modules: [folder.file("tasks.ts")], clock: systemClock },
    hooks: log.hooks,
    ...more,
  })
  aide.launch({ hooks: ["onStarted", "onBuried"], enqueue: true })
  const until = async (lines: number) => {
    while (linesOf(said).length < lines) await Bun.sleep(5)
    return linesOf(said)
  }
  return {
    ...{ aide, log, until, folder },
    async [Symbol.asyncDispose]() {
      await aide.close()
      folder[Symbol.dispose]()
    },
  }
}

test("Hooks are told in the order of what happened, and of middleware, and one that throws is reported", async () => {
  await using it = await aideOf(HOOKS)
  for (const event of [started("a"), started("throws"), buried("a")]) it.aide.tell(event)
  const said = await it.until(4)
  const ofA = said.filter((line) => line.endsWith(" a"))
  expect(ofA).toEqual(["first started a", "second started a", "first buried a"])
  expect(said).toContain("second started throws")
  await it.log.until(() => it.log.notes.length > 0)
  expect(it.log.notes[0]).toMatchObject({
    ...{ kind: "hook_failed", middleware: "first", hook: "onStarted", id: "throws" },
    error: { name: "TypeError", message: "no" },
  })
})

test("A hook that kills its process loses what was unheard, says how much, and the next events are heard", async () => {
  await using it = await aideOf(HOOKS)
  it.aide.tell(started("dies"))
  await it.log.until(() => it.log.deaths.length > 0)
  expect(it.log.deaths[0]?.reason).toContain("exit code 3")
  await it.log.until(() => it.log.notes.some(({ kind }) => kind === "hooks_dropped"))
  expect(it.log.notes).toEqual([{ kind: "hooks_dropped", count: 1 }])
  it.aide.tell(started("b"))
  expect(await it.until(2)).toEqual(["first started b", "second started b"])
}, 20_000)

test("A hook that blocks its process is killed with it after a while", async () => {
  await using it = await aideOf(HOOKS, { patience: 300 })
  it.aide.tell(started("blocks"))
  await it.log.until(() => it.log.deaths.length > 0)
  expect(it.log.deaths[0]?.reason).toContain("SIGKILL")
  it.aide.tell(started("c"))
  expect(await it.until(2)).toEqual(["first started c", "second started c"])
}, 20_000)

test("What hooks can not keep up with is dropped, and counted", async () => {
  await using it = await aideOf(HOOKS, { most: 10 })
  for (let n = 0; n < 25; n++) it.aide.tell(started(`n-${n}`))
  await it.log.until(() => it.log.notes.length > 0)
  expect(it.log.notes).toEqual([{ kind: "hooks_dropped", count: 15 }])
  expect(await it.until(20)).toHaveLength(20)
}, 20_000)

test("A hook that never ends is left behind, and those after it are called", async () => {
  const said: string[] = []
  const middleware: Middleware[] = [
    { name: "hangs", onStarted: () => new Promise(() => {}) },
    {
      name: "goes",
      onStarted: ({ id }) => void said.push(id),
      onBuried: ({ id }) => void said.push(`${id}!`),
    },
  ]
  const failures: string[] = []
  let heard = 0
  await new Promise<void>((resolve) => {
    const desk = createHookDesk({
      ...{ middleware, deadline: 20 },
      failed: ({ middleware: name, error }) => failures.push(`${name}: ${error.message}`),
      heard: (count) => {
        heard += count
        if (heard === 3) resolve()
      },
    })
    desk.hear([started("a"), started("b"), buried("a")])
  })
  expect(said.sort()).toEqual(["a", "a!", "b"])
  expect(failures).toEqual(Array(2).fill("hangs: it has not ended within 20 ms"))
})

test("hooks that crash and hang cost no task anything: they run in another process", async () => {
  await using it = await startPool(HOOKS.replaceAll("process.env.SAID", '"/dev/null"'))
  const extensions = it.pool.extensions?.()
  expect(extensions?.wants("onStarted")).toBeTrue()
  expect(extensions?.wants("onSucceeded")).toBeFalse()
  const before = await it.pool.run(jobOf("ping"))
  extensions?.tell(started("dies"))
  await it.until(() => it.deaths.length > 0)
  expect(await it.pool.run(jobOf("ping"))).toEqual(before)
}, 20_000)

test("what is on its way passes the middleware of the modules, is refused, or nobody answers", async () => {
  await using it = await aideOf(`
    import { defineMiddleware } from "stem"
    export const rules = defineMiddleware({ async enqueue(ask, next) {
      if (ask.input === "no") throw new Error("not this")
      if (ask.input === "never") await new Promise(() => {})
      return next({ ...ask, options: { ...ask.options, headers: { tenant: "x" }, at: new Date(ask.options.at.getTime() + 1) } })
    } })
  `)
  const ask = (input: string) => ({ id: input, task: "t", input, options: { at: 5 } })
  let answers = await it.aide.pass([ask("yes"), ask("no")], 10_000)
  while (answers[0]?.kind === "failed") answers = await it.aide.pass([ask("yes"), ask("no")], 10_000)
  expect(answers).toEqual([
    { kind: "passed", ask: { ...ask("yes"), options: { at: 6, headers: { tenant: "x" } } } },
    { kind: "refused", reason: 'middleware "rules" refused t: not this' },
  ])
  const [late] = await it.aide.pass([ask("never")], 30)
  expect(late).toEqual({ kind: "failed", reason: "it has not ended within 30 ms" })
}, 20_000)
