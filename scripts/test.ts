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
process.exit(await run([process.execPath, "test", ...process.argv.slice(2)]))
