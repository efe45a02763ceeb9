/** `npm run check`: everything that is known without running a task. In the order of how fast it fails. */
import { runAll, tool } from "./steps.ts"

const openspec = { OPENSPEC_TELEMETRY: "0", NO_UPDATE_NOTIFIER: "1" }

await runAll([
  {
    name: "format and lint",
    command: [tool("biome"), "check", "--error-on-warnings", "."],
    fix: "Most of it mends itself: npm run format",
  },
  {
    name: "types",
    command: [tool("tsc"), "--noEmit"],
    fix: "Mend the types where the compiler points.",
  },
  {
    name: "house rules",
    command: [process.execPath, "test", "./tests/house"],
    fix: "Each failure names the file and the rule; the rules are explained in ARCHITECTURE.md.",
  },
  {
    name: "specs",
    command: [tool("openspec"), "validate", "--all", "--strict"],
    env: openspec,
    fix: "Mend the spec it names, in openspec/.",
  },
  {
    name: "archived changes",
    command: [tool("openspec"), "validate", "--archived"],
    env: openspec,
    fix: "An archived change has open tasks: finish and tick them.",
  },
])
console.log("\ncheck: all is well")
