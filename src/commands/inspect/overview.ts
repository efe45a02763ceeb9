import type { QueueCounts } from "../../core/contracts/inspector.ts"
import type { EndCounts } from "../../core/contracts/results.ts"
import type { Presence } from "../../core/contracts/workers.ts"
import type { Stores } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { renderTable } from "../shell/table.ts"
import type { Paint } from "../shell/terminal.ts"
import { showOrWatch } from "../shell/watch.ts"
import { queueJson, queueListing } from "./queues.ts"
import { workerJson, workerListing } from "./workers.ts"

interface Overview {
  readonly queues: readonly QueueCounts[]
  readonly workers: readonly Presence[]
  readonly ended: EndCounts
}

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem inspect", "queues, workers and totals"],
    ["stem inspect --watch", "again every two seconds"],
    ["stem inspect -o json | jq .totals.ready", "for programs"],
    ["stem inspect tasks --state failed --since 1h", "what failed in the last hour"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        const seen = await look(stores)
        await showOne(shell, flags.output, {
          json: () => overviewJson(seen),
          name: () => seen.queues.map(({ queue }) => queue).join("\n"),
          table: () => overviewTable(seen, flags.time, shell.paint),
        })
        return EXIT.done
      }),
    ),
})

async function look({ inspector, workers: registry }: Stores): Promise<Overview> {
  const [queues, workers, ended] = await Promise.all([inspector.queues(), registry.list(), inspector.ended()])
  return { queues, workers, ended }
}

function overviewJson({ queues, workers, ended }: Overview) {
  const sum = (count: (queue: QueueCounts) => number) =>
    queues.reduce((total, queue) => total + count(queue), 0)
  const { succeeded, failed, cancelled, expired } = ended
  return {
    queues: queues.map(queueJson),
    workers: workers.map(workerJson),
    totals: {
      ready: sum(({ ready }) => ready),
      scheduled: sum(({ scheduled }) => scheduled),
      running: sum(({ running }) => running),
      retrying: sum(({ retrying }) => retrying),
      dead: sum(({ dead }) => dead),
      ...{ succeeded, failed, cancelled, expired },
    },
  }
}

function overviewTable(seen: Overview, time: string | undefined, paint: Paint): string {
  const { queues, workers, ended } = seen
  const parts = [
    queues.length === 0
      ? "No queue holds anything.\n"
      : renderTable(queues, queueListing(queues, time).columns, paint),
    workers.length === 0
      ? `${paint("yellow", "No worker is running.")}\n`
      : renderTable(workers, workerListing(workers, time).columns, paint),
    `Ended and remembered: ${ended.succeeded} succeeded, ${ended.failed} failed, ` +
      `${ended.cancelled} cancelled, ${ended.expired} expired\n`,
  ]
  return parts.join("\n")
}
