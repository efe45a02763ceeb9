import manifest from "../../package.json" with { type: "json" }
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"

/** Set when the executable is built. */
const commit = process.env.STEM_BUILD_COMMIT || null

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem version", "the version alone"],
    ["stem version -o json", "with the commit and the runtime it was built from"],
  ],
  flags: OUTPUT_FLAG,
  async run({ flags, shell }) {
    await showOne(shell, flags.output, {
      json: () => ({
        version: manifest.version,
        commit,
        bun: Bun.version,
        platform: `${process.platform}-${process.arch}`,
      }),
      name: () => manifest.version,
      table: () => `stem ${manifest.version}\n`,
    })
    return EXIT.done
  },
})
