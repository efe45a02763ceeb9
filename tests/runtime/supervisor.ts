/** A supervisor on its own, for tests that kill it: its isolates' process ids on stdout, then every line they log. */
import { systemClock } from "../../src/runtime/clock.ts"
import { createProcessIsolates } from "../../src/runtime/isolates/pool.ts"
import { hookLog } from "../support/hook-log.ts"
import { jobOf } from "../support/job.ts"
import { CHILD } from "./pool.ts"

const [module = "", ...tasks] = process.argv.slice(2)
process.on("SIGINT", () => console.log("interrupted"))
process.on("SIGHUP", () => console.log("hung up"))
const log = hookLog()
const pool = createProcessIsolates({
  modules: [module],
  isolates: tasks.length,
  clock: systemClock,
  command: CHILD,
})
await pool.start(log.hooks)
for (const task of tasks) void pool.run(jobOf(task))
const pids = () => log.lines.map((line) => line.message).filter((message) => /^\d+$/.test(message))
await log.until(() => pids().length === tasks.length)
console.log(pids().join(" "))
for (let shown = log.lines.length; ; shown++) {
  await log.until(() => log.lines.length > shown)
  console.log(log.lines[shown]?.message)
}
