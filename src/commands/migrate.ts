import { maskUrl } from "../core/config/mask.ts"
import { migrateStore } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { configured } from "./shell/stores.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem migrate --dry-run", "show what would be done to the store"],
    ["stem migrate", "do it; opening a store does the same by itself"],
  ],
  flags: {
    "dry-run": { kind: "switch", about: "only tell what would be done" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, shell }) {
    const { config } = await configured(shell, flags)
    const dryRun = flags["dry-run"]
    const { from, to, statements } = await migrateStore(config, { dryRun })
    const store = maskUrl(config.broker)
    await showOne(shell, flags.output, {
      json: () => ({ store, from, to, statements, dryRun }),
      name: () => String(to),
      table: () => statements.map((statement) => `${statement.trim().replace(/;?$/, ";")}\n`).join(""),
    })
    if (from === to) shell.talk.info(`${store} is up to date, at version ${to}`)
    else shell.talk.info(`${store} ${dryRun ? "would go" : "went"} from version ${from} to ${to}`)
    return EXIT.done
  },
})
