import type { DeadLetters } from "../../core/contracts/inspector.ts"
import { defineCommand, type Shell } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { LIMIT_FLAG, meant, readLimit } from "../shell/filters.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { failureLine } from "../shell/status.ts"
import { withStores } from "../shell/stores.ts"
import { isoOrNull, showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"
import { groupByError } from "./group.ts"
import { DLQ_FILTER_FLAGS, type Filter, pagesOf, readFilter } from "./select.ts"
import { letterJson } from "./shown.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem dlq list", "the latest dead letters"],
    ["stem dlq list --group", "how many died of what"],
    ["stem dlq list --task image.resize --since 1h -o json", "with inputs and stacks, for programs"],
  ],
  flags: {
    group: { kind: "switch", about: "one line for each kind of error: its numbers and ids left out" },
    ...DLQ_FILTER_FLAGS,
    ...LIMIT_FLAG,
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...WATCH_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, shell }) => {
    const limit = readLimit(flags.limit)
    return withStores(shell, flags, ({ stores, router }) =>
      showOrWatch(shell, flags.watch, async () => {
        const { deadLetters } = stores.inspector
        const filter = meant(readFilter(flags), router)
        const show = flags.group ? showGroups : showLetters
        await show(shell, deadLetters, filter, limit, flags)
        return EXIT.done
      }),
    )
  },
})

interface Forms {
  readonly output?: string | undefined
  readonly time?: string | undefined
}

async function showLetters(shell: Shell, letters: DeadLetters, filter: Filter, limit: number, forms: Forms) {
  await showList(shell, forms.output, {
    rows: await letters.list({ ...filter, limit }),
    columns: [
      { title: "ID", cell: ({ id }) => id },
      { title: "TASK", cell: ({ task }) => task },
      { title: "QUEUE", cell: ({ queue }) => queue },
      { title: "ATTEMPTS", cell: ({ attempts }) => attempts, right: true },
      { title: "DIED", cell: ({ diedAt }) => showTime(diedAt, forms.time) },
      { title: "ERROR", cell: ({ error }) => failureLine(error), color: () => "red" },
    ],
    json: letterJson,
    name: ({ id }) => id,
    none: "There are no dead letters.",
  })
}

async function showGroups(shell: Shell, letters: DeadLetters, filter: Filter, limit: number, forms: Forms) {
  const groups = await groupByError(pagesOf(letters, filter))
  await showList(shell, forms.output, {
    rows: groups.slice(0, limit),
    columns: [
      { title: "COUNT", cell: ({ count }) => count, right: true },
      { title: "TASK", cell: ({ task }) => task },
      { title: "FIRST", cell: ({ firstAt }) => showTime(firstAt, forms.time) },
      { title: "LAST", cell: ({ lastAt }) => showTime(lastAt, forms.time) },
      { title: "EXAMPLE", cell: ({ example }) => example },
      { title: "ERROR", cell: ({ error }) => error, color: () => "red" },
    ],
    json: ({ fingerprint, count, task, error, firstAt, lastAt, example }) => ({
      ...{ fingerprint, count, task, error, firstAt: isoOrNull(firstAt), lastAt: isoOrNull(lastAt), example },
    }),
    name: ({ example }) => example,
    none: "There are no dead letters.",
  })
}
