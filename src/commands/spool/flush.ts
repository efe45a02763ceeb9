import { maskUrl } from "../../core/config/mask.ts"
import { openSpool } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { keptIn } from "./kept.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem spool flush", "deliver what is kept for this store; exit 69 when it is still away"],
    ["stem spool flush --all", "also what was kept for a store that has another address now"],
  ],
  flags: {
    spool: { kind: "value", hint: "PATH", about: "the spool (default: spool.db in the state folder)" },
    all: { kind: "switch", about: "also what was kept for other stores and namespaces" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, shell }) =>
    withStores(shell, flags, async ({ stores, config }) => {
      const { path } = config.spool
      let delivered = 0
      if (await Bun.file(path).exists()) {
        const spool = await openSpool(config)
        try {
          delivered = await spool.flush(stores.broker, { all: flags.all })
        } finally {
          await spool.close()
        }
      }
      const left = (await keptIn(config)).reduce((sum, { count }) => sum + count, 0)
      await showOne(shell, flags.output, {
        json: () => ({ delivered, left }),
        name: () => String(delivered),
        table: () => `${delivered}\n`,
      })
      const hint = "stem spool status tells; stem spool flush --all delivers it here."
      if (left > 0) shell.talk.warn(`${left} are kept for other stores or namespaces`, { hint })
      else shell.talk.info(`delivered to ${maskUrl(config.broker)}; nothing is left in ${path}`)
      return EXIT.done
    }),
})
