/** `npm test`: builds the executable, then runs every test. Paths after `--` run only those: npm test -- tests/cli */
import { run, runAll } from "./steps.ts"

await runAll([
  {
    name: "build",
    command: [process.execPath, "scripts/build-binary.ts"],
    fix: "The tests need dist/stem; mend the build first.",
  },
])
console.log("\n== tests")
// Real processes on a busy machine: bun's five seconds are too few. bunfig.toml can not say it.
const TIMEOUT_MS = 60_000
process.exit(await run([process.execPath, "test", `--timeout=${TIMEOUT_MS}`, ...process.argv.slice(2)]))
