import { becomeMinder } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"

/** How a worker starts a command; it is not for people. */
export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [],
  flags: {},
  async run() {
    await becomeMinder()
    // It ends with its command, or with its worker.
    return new Promise<never>(() => {})
  },
})
