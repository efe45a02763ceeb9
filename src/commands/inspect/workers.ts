import { LOST_KEPT, type Presence } from "../../core/contracts/workers.ts"
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
    ["stem inspect workers", "who is working, and on how much"],
    ["stem inspect workers -o json | jq '.[].running'", "what they run now"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        const now = stores.clock.now()
        const all = await stores.workers.list(now - LOST_KEPT)
        const alive = new Set((await stores.workers.list()).map(({ id }) => id))
        const rows = all.map((worker) => (alive.has(worker.id) ? worker : { ...worker, lost: true }))
        await showList(shell, flags.output, workerListing(rows, flags.time))
        return EXIT.done
      }),
    ),
})

/** A presence, and whether it was lost: not heard of any more, though it never left. */
export type Seen = Presence & { readonly lost?: boolean }

const COLORS = { running: "green", quiet: "yellow", draining: "yellow", lost: "red" } as const

const stateOf = ({ lost, state }: Seen) => (lost ? "lost" : state)

/** Field names that scripts rely on. */
export const workerJson = (worker: Seen) => ({
  id: worker.id,
  name: worker.name,
  host: worker.host,
  pid: worker.pid,
  version: worker.version,
  state: stateOf(worker),
  queues: worker.queues,
  concurrency: worker.concurrency,
  tasks: worker.tasks,
  running: worker.running.map(({ id, task, startedAt }) => ({ id, task, startedAt: isoOrNull(startedAt) })),
  done: worker.done,
  startedAt: isoOrNull(worker.startedAt),
  seenAt: isoOrNull(worker.seenAt),
  rssBytes: worker.rssBytes,
  runningCount: worker.runningCount ?? worker.running.length,
  perMinute: worker.perMinute ?? null,
  isolates: worker.isolates ?? null,
  modules: worker.modules ?? null,
  autoscale: worker.autoscale ?? null,
})

export const workerListing = (rows: readonly Seen[], time: string | undefined): Listing<Seen> => ({
  rows,
  columns: [
    { title: "WORKER", cell: ({ name }) => name },
    {
      title: "STATE",
      cell: stateOf,
      color: (worker) => COLORS[stateOf(worker)],
    },
    { title: "RUNNING", cell: runningCell, right: true },
    { title: "A MINUTE", cell: ({ perMinute }) => perMinute ?? "-", right: true },
    { title: "SUCCEEDED", cell: ({ done }) => done.succeeded, right: true },
    { title: "FAILED", cell: ({ done }) => done.failed, right: true },
    { title: "RETRIED", cell: ({ done }) => done.retried, right: true },
    { title: "RSS", cell: ({ rssBytes }) => `${Math.round(rssBytes / 1024 ** 2)}MB`, right: true },
    { title: "STARTED", cell: ({ startedAt }) => showTime(startedAt, time) },
    { title: "SEEN", cell: ({ seenAt }) => showTime(seenAt, time) },
    { title: "QUEUES", cell: ({ queues }) => queues.join(",") },
  ],
  json: workerJson,
  name: ({ name }) => name,
  none: "No worker is running.",
})

const runningCell = ({ running, runningCount = running.length, concurrency }: Seen) =>
  `${runningCount}/${concurrency}`
