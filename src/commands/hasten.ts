import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showList } from "./shell/output.ts"
import { withStores } from "./shell/stores.ts"

/** So many in one call to the store. */
const BATCH = 1000

export default defineCommand({
  usage: "<id…>",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem hasten 0199…", "a task that is scheduled, or waits for its retry or for a limit, is due now"],
    [
      "stem inspect tasks --state scheduled --task mail.send -o name | xargs stem hasten",
      "all of one task, after its limit was raised",
    ],
  ],
  flags: { ...OUTPUT_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { broker } }) => {
      const ids = [...new Set(operands)]
      const hastened = new Set<string>()
      for (let at = 0; at < ids.length; at += BATCH)
        for (const id of await broker.hasten(ids.slice(at, at + BATCH))) hastened.add(id)
      await showList(shell, flags.output, {
        rows: ids,
        columns: [
          { title: "ID", cell: (id) => id },
          { title: "OUTCOME", cell: (id) => (hastened.has(id) ? "due now" : "does not wait for later") },
        ],
        json: (id) => ({ id, outcome: hastened.has(id) ? "hastened" : "not_waiting" }),
        name: (id) => id,
      })
      return hastened.size === ids.length ? EXIT.done : EXIT.missing
    }),
})
