/**
 * `npm test`: builds the executable, starts the stores, runs every test. Paths after `--` run only those, one file
 * after the other: npm test -- tests/cli
 */
import { readdirSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { readState } from "./services/state.ts"
import { down, up } from "./services.ts"
import { ROOT, run, runAll } from "./steps.ts"

await runAll([
  {
    name: "build",
    command: [process.execPath, "scripts/build-binary.ts"],
    fix: "The tests need dist/stem; mend the build first.",
  },
])

console.log("\n== stores")
// Servers that were running before are left running.
const ours = Object.keys(readState()).length === 0
const env = await up()
for (const [name, value] of Object.entries(env)) console.log(`${name}=${value}`)

// Real processes on a busy machine: bun's five seconds are too few. bunfig.toml can not say it.
const TIMEOUT_MS = 60_000
// No file knows of another, so as many run at once as there are cores; on a big machine the stores would be the limit.
const side = Math.min(4, Math.max(2, availableParallelism()))
// In processes that are kept: a new one for each file would read the sources again.
const SIDE_BY_SIDE = [`--parallel=${side}`, "--no-isolate"]
// Chaos is last and among itself: it measures how soon work goes on, which the seeds of sim would slow down.
const folders = readdirSync(join(ROOT, "tests")).filter((name) => name !== "chaos")
const rounds: Record<string, readonly string[]> = {
  tests: [...SIDE_BY_SIDE, ...folders.map((name) => `./tests/${name}/`)],
  "tests of chaos": [...SIDE_BY_SIDE, "./tests/chaos/"],
}

const paths = process.argv.slice(2)
let code = 0
for (const [name, args] of Object.entries(paths.length > 0 ? { tests: paths } : rounds)) {
  console.log(`\n== ${name}`)
  code = (await run([process.execPath, "test", `--timeout=${TIMEOUT_MS}`, ...args], env)) || code
}
if (ours) await down()
process.exit(code)
