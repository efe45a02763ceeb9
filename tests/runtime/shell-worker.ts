/** A worker that runs one script, for tests that kill it. */
import { systemClock } from "../../src/runtime/clock.ts"
import { createShell } from "../../src/runtime/shell/run.ts"
import { hookLog } from "../support/hook-log.ts"
import { jobOf } from "../support/job.ts"
import { MINDER } from "./shell-desk.ts"

const shell = createShell({ allow: [], clock: systemClock, command: MINDER })
await shell.start(hookLog().hooks)
const outcome = await shell.run(jobOf("shell", { argv: [process.argv[2] ?? ""], useShell: true }))
console.error("it ended:", JSON.stringify(outcome))
