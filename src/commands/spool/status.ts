import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { configured } from "../shell/stores.ts"
import { isoOrNull, showTime } from "../shell/times.ts"
import { keptIn } from "./kept.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem spool status", "how many tasks wait here, and for which store"],
    ["stem spool status -o json", "for monitoring"],
  ],
  flags: {
    spool: { kind: "value", hint: "PATH", about: "the spool (default: spool.db in the state folder)" },
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, shell }) {
    const { config } = await configured(shell, flags)
    await showList(shell, flags.output, {
      rows: await keptIn(config),
      columns: [
        { title: "STORE", cell: ({ store }) => store },
        { title: "NAMESPACE", cell: ({ namespace }) => namespace },
        { title: "TASKS", cell: ({ count }) => count, right: true },
        { title: "OLDEST", cell: ({ oldestAt }) => showTime(oldestAt, flags.time) },
      ],
      json: ({ store, namespace, count, oldestAt }) => ({
        ...{ store, namespace, tasks: count, oldestAt: isoOrNull(oldestAt) },
      }),
      name: ({ store }) => store,
      none: `nothing is kept in ${config.spool.path}`,
    })
    return EXIT.done
  },
})
