import { under } from "../../core/config/settings.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { loadTasks } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"

export default defineCommand({
  usage: "<module…>",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem inspect registered ./tasks.ts", "its tasks, and what is said about each"],
    ["stem inspect registered ./tasks.ts -o name", "their names"],
  ],
  flags: OUTPUT_FLAG,
  async run({ flags, operands, shell }) {
    const { specs } = await loadTasks(operands.map((path) => under(shell.directory, path)))
    const length = (ms: number | undefined) => (ms === undefined ? "-" : formatDuration(ms))
    await showList(shell, flags.output, {
      rows: [...specs.values()],
      columns: [
        { title: "TASK", cell: ({ name }) => name },
        { title: "QUEUE", cell: ({ queue }) => queue },
        { title: "PRIORITY", cell: ({ priority }) => priority, right: true },
        { title: "RETRIES", cell: ({ retry }) => retry.max, right: true },
        { title: "TIMEOUT", cell: ({ timeLimits }) => length(timeLimits.hardMs), right: true },
        { title: "SOURCE", cell: ({ source }) => source },
        { title: "ABOUT", cell: ({ description }) => description ?? "" },
      ],
      json: ({ name, description, queue, priority, retry, timeLimits, expiresInMs, source }) => ({
        task: name,
        description: description ?? null,
        queue,
        priority,
        retries: retry.max,
        timeoutMs: timeLimits.hardMs ?? null,
        softTimeoutMs: timeLimits.softMs ?? null,
        expiresMs: expiresInMs ?? null,
        source,
      }),
      name: ({ name }) => name,
    })
    return EXIT.done
  },
})
