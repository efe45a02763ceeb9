import { expect, test } from "bun:test"
import { StemError } from "../../src/core/kit/errors.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { createProcessIsolates } from "../../src/runtime/isolates/pool.ts"
import { hookLog } from "../support/hook-log.ts"
import { jobOf } from "../support/job.ts"
import { moduleFolder } from "../support/module-folder.ts"
import { CHILD } from "./pool.ts"

const TASKS = `
import { StemError } from "stem"
export const caught = async (_, ctx) => {
  try {
    await ctx.enqueue("x")
  } catch (error) {
    return [error instanceof StemError, error.kind, error.code, error.message, error.hint]
  }
}
export const unawaited = (_, ctx) => { ctx.enqueue("x") }
`

test("a refused enqueue comes back as the StemError it was", async () => {
  using folder = moduleFolder({ "tasks.ts": TASKS })
  const refuse = hookLog(async () => {
    throw new StemError("unavailable", "store_full", "the store is full", { hint: "Make room." })
  })
  const modules = [folder.file("tasks.ts")]
  const pool = createProcessIsolates({ modules, isolates: 1, clock: systemClock, command: CHILD })
  await pool.start(refuse.hooks)
  try {
    expect(await pool.run(jobOf("caught"))).toEqual({
      kind: "succeeded",
      result: [true, "unavailable", "store_full", "the store is full", "Make room."],
    })
    expect(await pool.run(jobOf("unawaited"))).toMatchObject({
      kind: "failed",
      error: { name: "StemError", code: "store_full" },
    })
  } finally {
    await pool.stop()
  }
})
