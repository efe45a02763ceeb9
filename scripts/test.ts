/** `npm test`: builds the executable, starts the stores, runs every test. Paths after `--` run only those: npm test -- tests/cli */

import { readState } from "./services/state.ts"
import { down, up } from "./services.ts"
import { run, runAll } from "./steps.ts"

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

console.log("\n== tests")
// Real processes on a busy machine: bun's five seconds are too few. bunfig.toml can not say it.
const TIMEOUT_MS = 60_000
const paths = process.argv.slice(2)
const code = await run([process.execPath, "test", `--timeout=${TIMEOUT_MS}`, ...paths], env)
if (ours) await down()
process.exit(code)
