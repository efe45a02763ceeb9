import { expect, test } from "bun:test"
import { systemClock } from "../../../src/runtime/clock.ts"
import { createInlineIsolates } from "../../../src/runtime/isolates/inline.ts"
import { publicNames } from "../../../src/stem.ts"
import { hookLog } from "../../support/hook-log.ts"
import { jobOf } from "../../support/job.ts"
import { type ModuleFolder, moduleFolder } from "../../support/module-folder.ts"

const TASKS = `
import { defineTask } from "stem"
import { version } from "./version.ts"
export const echo = defineTask({ run: (input) => input })
export const which = () => version
export const writes = (input) => { input.seen = true; return input }
export const polite = (_, ctx) => new Promise((resolve) => {
  ctx.signal.addEventListener("abort", () => resolve(ctx.signal.reason.code))
  ctx.log.info("listening")
})
export const deaf = async (_, ctx) => { ctx.log.info("listening"); await new Promise(() => {}) }
export const child = (_, ctx) => ctx.enqueue("echo", 1)
`

async function start(files: Record<string, string> = {}) {
  const folder: ModuleFolder = moduleFolder({
    "tasks.ts": TASKS,
    "version.ts": "export const version = 1",
    ...files,
  })
  const log = hookLog()
  const isolates = createInlineIsolates({
    modules: [folder.file("tasks.ts")],
    clock: systemClock,
    exports: await publicNames(),
  })
  await isolates.start(log.hooks)
  return {
    ...log,
    isolates,
    folder,
    async [Symbol.asyncDispose]() {
      await isolates.stop()
      folder[Symbol.dispose]()
    },
  }
}

test("tasks run in this process, on a copy of their input", async () => {
  await using it = await start()
  const job = jobOf("writes", Object.freeze({ a: 1 }))
  expect(await it.isolates.run(job)).toEqual({ kind: "succeeded", result: { a: 1, seen: true } })
  expect(await it.isolates.run(jobOf("echo", [1]))).toEqual({ kind: "succeeded", result: [1] })
  expect(await it.isolates.run(jobOf("child", null, { id: "p" }))).toEqual({
    kind: "succeeded",
    result: "p.1",
  })
})

test("limits and aborts reach the signal, and a deaf handler is left behind", async () => {
  await using it = await start()
  expect(await it.isolates.run(jobOf("polite", null, { softMs: 10 }))).toMatchObject({
    result: "soft_time_limit",
  })
  const aborted = it.isolates.run(jobOf("polite", null, { id: "a" }))
  it.isolates.abort("a", 1, "cancelled")
  expect(await aborted).toMatchObject({ result: "cancelled" })
  expect(await it.isolates.run(jobOf("deaf", null, { hardMs: 10 }))).toMatchObject({
    kind: "failed",
    error: { code: "hard_time_limit" },
  })
  const deaf = it.isolates.run(jobOf("deaf", null, { id: "d" }))
  it.isolates.terminate("d", 1)
  expect(await deaf).toEqual({ kind: "cancelled" })
})

test("a stop ends what runs as interrupted", async () => {
  await using it = await start()
  const deaf = it.isolates.run(jobOf("deaf"))
  await it.said("listening")
  await it.isolates.stop()
  expect(await deaf).toEqual({ kind: "interrupted" })
  expect(await it.isolates.run(jobOf("echo"))).toEqual({ kind: "interrupted" })
})

test("a reload reads imported files anew; one that fails leaves the old code", async () => {
  await using it = await start()
  const version = async () => (await it.isolates.run(jobOf("which"))) as unknown
  expect(await version()).toMatchObject({ result: 1 })
  it.folder.write("version.ts", "export const version = 2")
  await it.isolates.reload()
  expect(await version()).toMatchObject({ result: 2 })
  it.folder.write("version.ts", "export const version = = 3")
  await expect(it.isolates.reload()).rejects.toMatchObject({ code: "module_syntax" })
  expect(await version()).toMatchObject({ result: 2 })
  it.folder.write("version.ts", "export const version = 4")
  await it.isolates.reload()
  expect(await version()).toMatchObject({ result: 4 })
})

test("Middleware can not hide that the lease was lost", async () => {
  const module = `
    import { defineMiddleware } from "stem"
    export const hides = defineMiddleware({ run: (_, next) => next().catch((error) => "hidden: " + error.code) })
    export const waits = (_, ctx) => new Promise((_, reject) => {
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
      ctx.log.info("listening")
    })
  `
  for (const [reason, outcome] of [
    ["lease_lost", { kind: "failed", error: { code: "lease_lost" } }],
    ["shutdown", { kind: "succeeded", result: "hidden: shutdown" }],
  ] as const) {
    await using it = await start({ "tasks.ts": module })
    const running = it.isolates.run(jobOf("waits", null, { id: "w" }))
    await it.said("listening")
    it.isolates.abort("w", 1, reason)
    expect(await running).toMatchObject(outcome)
  }
})
