import { formatDuration } from "../../core/kit/duration.ts"
import type { TaskState } from "../../core/task/status.ts"
import type { Stores } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { LIMIT_FLAG, readLimit } from "../shell/filters.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"
import { findSchedule } from "./find.ts"
import { firingJson } from "./shown.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem schedule history nightly", "each firing, newest first, and what became of its task"],
    ["stem schedule history nightly -o json --limit 1000", "for programs; the last 1000 are kept"],
  ],
  flags: { ...LIMIT_FLAG, ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run({ flags, operands, shell }) {
    const limit = readLimit(flags.limit)
    const name = operands[0] as string
    return withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        await findSchedule(stores.schedules, name)
        const records = await stores.schedules.history(name, limit)
        const stateOf = await readStates(
          stores,
          records.flatMap(({ id }) => id ?? []),
        )
        await showList(shell, flags.output, {
          rows: records.map((record) => ({ record, shown: firingJson(record, stateOf(record.id)) })),
          columns: [
            { title: "NOMINAL", cell: ({ record }) => showTime(record.nominalAt, flags.time ?? "iso") },
            { title: "LATE", cell: ({ record }) => lateText(record.latenessMs), right: true },
            {
              title: "STATE",
              cell: ({ shown }) => shown.state,
              color: ({ shown }) => (shown.state === "failed" ? "red" : undefined),
            },
            { title: "TASK OR REASON", cell: ({ record }) => record.id ?? record.skipped ?? "" },
          ],
          json: ({ shown }) => shown,
          name: ({ record, shown }) => record.id ?? shown.nominalAt,
          none: `${name} has not fired yet.`,
        })
        return EXIT.done
      }),
    )
  },
})

/** What has become of these tasks; nothing of those that are forgotten. */
async function readStates({ results, inspector }: Stores, ids: readonly string[]) {
  const states = new Map<string, TaskState>()
  const ended = await results.get(ids)
  for (const status of ended) if (status) states.set(status.id, status.state)
  const live = await inspector.find(ids.filter((id) => !states.has(id)))
  for (const task of live) if (task) states.set(task.status.id, task.status.state)
  return (id: string | undefined) => (id === undefined ? undefined : states.get(id))
}

/** To the millisecond where it matters; of what was made up for, the whole seconds. */
const lateText = (ms: number) => formatDuration(ms < 10_000 ? ms : Math.floor(ms / 1000) * 1000)
