import { becomeIsolate } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { atFullSpeed } from "./shell/pace.ts"

/** How a worker starts its children; it is not for people. */
export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [],
  flags: {},
  async run() {
    atFullSpeed()
    await becomeIsolate()
    // Its supervisor ends it.
    return new Promise<never>(() => {})
  },
})
