import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { isoOrNull, showTime, wholeFlag } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [["stem inspect groups", "groups of tasks, the latest opened first"]],
  flags: {
    limit: { kind: "value", hint: "N", about: "how many are shown (default: 100)" },
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...WATCH_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        const rows = await stores.groups.list(wholeFlag("--limit", flags.limit, 1, 100_000) ?? 100)
        await showList(shell, flags.output, {
          rows,
          columns: [
            { title: "ID", cell: ({ id }) => id },
            { title: "STATE", cell: ({ state }) => state },
            { title: "ARRIVED", cell: ({ arrived, size }) => `${arrived}/${size}` },
            { title: "FAILED", cell: ({ failed }) => String(failed) },
            { title: "OPENED", cell: ({ openedAt }) => showTime(openedAt, flags.time) },
          ],
          json: ({ id, state, size, arrived, failed, tolerate = 0, openedAt, endedAt }) => ({
            ...{ id, state, size, arrived, failed, tolerate },
            ...{ openedAt: isoOrNull(openedAt), endedAt: isoOrNull(endedAt) },
          }),
          name: ({ id }) => id,
        })
        return EXIT.done
      }),
    ),
})
