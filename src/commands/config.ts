import { isTable } from "../core/config/file.ts"
import { shownQueueLimits } from "../core/config/queue-limits.ts"
import { shownRouting } from "../core/config/routing.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showList } from "./shell/output.ts"
import { configured } from "./shell/stores.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem config", "every setting, its value, and where the value came from"],
    ["STEM_CONCURRENCY=4 stem config -o json", "for programs"],
  ],
  notes:
    "Flags win over the environment, that over the nearest stem.toml upward, that over your own, that over defaults.",
  flags: { ...OUTPUT_FLAG, ...STORE_FLAGS },
  async run({ flags, shell }) {
    const { values, config } = await configured(shell, flags)
    const tables = [...shownRouting(config.routing), ...shownQueueLimits(config.queueLimits)]
    const routed = tables.map((row) => ({ ...row, source: "file" as const }))
    await showList(shell, flags.output, {
      rows: [...values, ...routed],
      columns: [
        { title: "SETTING", cell: ({ key }) => key },
        { title: "VALUE", cell: ({ shown }) => written(shown) },
        { title: "FROM", cell: ({ source, origin }) => origin ?? source },
      ],
      json: ({ key, shown, source, origin }) => ({ key, value: shown, source, origin: origin ?? null }),
      name: ({ key }) => key,
    })
    return EXIT.done
  },
})

const written = (value: unknown): string =>
  value === null
    ? "-"
    : isTable(value)
      ? Object.entries(value)
          .map(([name, part]) => `${name}=${isTable(part) ? written(part) : part}`)
          .join(",")
      : Array.isArray(value)
        ? value.join(",") || "-"
        : String(value)
