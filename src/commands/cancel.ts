import type { Cancelled } from "../core/contracts/broker.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showList } from "./shell/output.ts"
import { withStores } from "./shell/stores.ts"

const MEANING: Record<Cancelled["kind"], string> = {
  cancelled: "cancelled",
  asked: "running: asked to stop",
  ended: "had ended before",
  unknown: "not known",
}

export default defineCommand({
  usage: "<id…>",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem cancel 0199…", "end it if it waits; if it runs, its handler's signal aborts"],
    ["stem cancel --terminate 0199…", "kill the process it runs in if it does not stop by itself"],
    ["stem inspect tasks --queue emails -o name | xargs stem cancel", "many at once"],
  ],
  flags: {
    terminate: { kind: "switch", about: "kill the isolate of a running task that does not stop by itself" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ client }) => {
      const answers = await client.cancel([...new Set(operands)], { terminate: flags.terminate })
      await showList(shell, flags.output, {
        rows: answers,
        columns: [
          { title: "ID", cell: ({ id }) => id },
          { title: "OUTCOME", cell: ({ kind }) => MEANING[kind] },
        ],
        json: ({ id, kind }) => ({ id, outcome: kind }),
        name: ({ id }) => id,
      })
      return answers.some(({ kind }) => kind === "unknown") ? EXIT.missing : EXIT.done
    }),
})
