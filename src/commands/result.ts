import { StemError } from "../core/kit/errors.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { findTask, statusJson, statusTable } from "./shell/status.ts"
import { withStores } from "./shell/stores.ts"
import { waitFor } from "./shell/wait.ts"
import { showOrWatch } from "./shell/watch.ts"

export default defineCommand({
  usage: "<id>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem result 0199…", "its state"],
    [
      "stem result 0199… --wait=30s",
      "wait for its end; exit 4 when it did not succeed, 5 when it takes longer",
    ],
    ["stem result 0199… -o json | jq .result", "the result itself"],
  ],
  flags: {
    wait: { kind: "optional", hint: "T", about: "wait for its end, as long as it takes or at most T" },
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...WATCH_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores, client }) => {
      const id = operands[0] as string
      const show = async () => {
        const known = await findTask(stores, client, id)
        if (!known) throw unknownTask(id)
        await showOne(shell, flags.output, {
          json: () => statusJson(known),
          name: () => known.status.id,
          table: () => statusTable(known, shell.paint, flags.time),
        })
        return EXIT.done
      }
      if (flags.wait === undefined) return showOrWatch(shell, flags.watch, show)
      const { exit } = await waitFor(shell, client, id, flags.wait)
      await show()
      return exit
    }),
})

export const unknownTask = (id: string): StemError =>
  new StemError("missing", "unknown_task_id", `no task has the id ${id}`, {
    hint: "It may have been removed after its retention; see stem config.",
  })
