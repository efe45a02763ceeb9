import type { QueueCounts } from "../../core/contracts/inspector.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { type Listing, showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { isoOrNull, showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem inspect queues", "what waits, runs and died, by queue"],
    ["stem inspect queues -o json", "for programs"],
    ["stem inspect queues --watch=1s", "again every second"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        await showList(shell, flags.output, queueListing(await stores.inspector.queues(), flags.time))
        return EXIT.done
      }),
    ),
})

/** Field names that scripts rely on. */
export const queueJson = (counts: QueueCounts) => ({
  queue: counts.queue,
  ready: counts.ready,
  scheduled: counts.scheduled,
  running: counts.running,
  retrying: counts.retrying,
  dead: counts.dead,
  paused: counts.paused,
  oldestReadyAt: isoOrNull(counts.oldestReadyAt),
})

export const queueListing = (
  rows: readonly QueueCounts[],
  time: string | undefined,
): Listing<QueueCounts> => ({
  rows,
  columns: [
    { title: "QUEUE", cell: ({ queue }) => queue },
    { title: "READY", cell: ({ ready }) => ready, right: true },
    { title: "SCHEDULED", cell: ({ scheduled }) => scheduled, right: true },
    { title: "RUNNING", cell: ({ running }) => running, right: true },
    { title: "RETRYING", cell: ({ retrying }) => retrying, right: true },
    {
      title: "DEAD",
      cell: ({ dead }) => dead,
      right: true,
      color: ({ dead }) => (dead > 0 ? "red" : undefined),
    },
    {
      title: "PAUSED",
      cell: ({ paused }) => (paused ? "paused" : "-"),
      color: ({ paused }) => (paused ? "yellow" : undefined),
    },
    { title: "OLDEST READY", cell: ({ oldestReadyAt }) => showTime(oldestReadyAt, time) },
  ],
  json: queueJson,
  name: ({ queue }) => queue,
  none: "No queue holds anything.",
})
