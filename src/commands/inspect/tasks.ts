import { isEnded, type TaskStatus } from "../../core/task/status.ts"
import type { Stores } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import {
  FILTER_FLAGS,
  LIMIT_FLAG,
  meant,
  type Range,
  readLimit,
  readRange,
  readStates,
} from "../shell/filters.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { failureLine, type Known, stateColor, statusJson } from "../shell/status.ts"
import { withStores } from "../shell/stores.ts"
import { showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem inspect tasks", "what waits and runs, then what has ended"],
    ["stem inspect tasks --state failed --since 1h", "what failed in the last hour"],
    ["stem inspect tasks --queue emails --state queued -o name", "ids only"],
  ],
  notes: "Waiting and running tasks come first, the earliest due first; ended ones follow, the latest first.",
  flags: {
    state: { kind: "list", hint: "STATE", about: "only in this state; may be repeated, or a,b" },
    ...FILTER_FLAGS,
    ...LIMIT_FLAG,
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...WATCH_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, shell }) => {
    const states = readStates(flags.state)
    const limit = readLimit(flags.limit)
    return withStores(shell, flags, ({ stores, router }) =>
      showOrWatch(shell, flags.watch, async () => {
        const rows = await listTasks(stores, { ...meant(readRange(flags), router), states, limit })
        await showList(shell, flags.output, {
          rows,
          columns: [
            { title: "ID", cell: ({ status }) => status.id },
            { title: "TASK", cell: ({ status }) => status.task },
            { title: "QUEUE", cell: ({ status }) => status.queue },
            {
              title: "STATE",
              cell: ({ status }) => status.state,
              color: ({ status }) => stateColor(status.state),
            },
            { title: "ATTEMPT", cell: ({ status }) => status.attempt, right: true },
            { title: "WHEN", cell: ({ status }) => showTime(momentOf(status), flags.time) },
            { title: "ERROR", cell: ({ status }) => (status.error ? failureLine(status.error) : "") },
          ],
          json: statusJson,
          name: ({ status }) => status.id,
          none: "No task fits.",
        })
        return EXIT.done
      }),
    )
  },
})

type Filter = Range & { states: ReturnType<typeof readStates>; limit: number }

async function listTasks({ inspector, results }: Stores, filter: Filter): Promise<Known[]> {
  const { states, limit } = filter
  const rows: Known[] = []
  if (!states || states.some((state) => !isEnded(state)))
    for (const { status, envelope } of await inspector.list({
      ...filter,
      states: states?.filter((state) => !isEnded(state)),
    }))
      rows.push({ status, input: { value: envelope.input } })
  if (rows.length < limit && (!states || states.some(isEnded)))
    for (const status of await results.list({
      ...filter,
      states: states?.filter(isEnded),
      limit: limit - rows.length,
    }))
      rows.push({ status })
  return rows
}

/** When what is told by the state began, or will. */
const momentOf = ({ state, finishedAt, startedAt, dueAt, enqueuedAt }: TaskStatus) =>
  isEnded(state) ? finishedAt : state === "running" ? startedAt : (dueAt ?? enqueuedAt)
