import type { QueueCounts } from "../../core/contracts/inspector.ts"
import type { Presence } from "../../core/contracts/workers.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import { queueJson } from "../inspect/queues.ts"
import { workerJson } from "../inspect/workers.ts"
import { type Column, renderTable } from "../shell/table.ts"
import type { Paint } from "../shell/terminal.ts"
import { type Rates, rateText, sumOf } from "./rates.ts"

/** What there was to see at one moment. */
export interface Sight {
  readonly at: number
  readonly namespace: string
  readonly queues: readonly QueueCounts[]
  readonly workers: readonly (Presence & { readonly rates: Rates })[]
}

interface Running {
  readonly id: string
  readonly task: string
  readonly worker: string
  readonly startedAt: number
}

/** What runs, the longest first. */
const runningOf = ({ workers }: Sight): readonly Running[] =>
  workers
    .flatMap(({ name, running }) => running.map((one) => ({ ...one, worker: name })))
    .sort((a, b) => a.startedAt - b.startedAt)

const totalsOf = ({ queues, workers }: Sight) => {
  const sum = <T>(list: readonly T[], of: (one: T) => number) => list.reduce((all, one) => all + of(one), 0)
  return {
    ready: sum(queues, ({ ready }) => ready),
    scheduled: sum(queues, ({ scheduled }) => scheduled),
    running: sum(queues, ({ running }) => running),
    retrying: sum(queues, ({ retrying }) => retrying),
    dead: sum(queues, ({ dead }) => dead),
    workers: workers.length,
    concurrency: sum(workers, ({ concurrency }) => concurrency),
    perSecond: sumOf(workers.map(({ rates }) => rates)),
  }
}

/** Field names that scripts rely on. */
export const sightJson = (sight: Sight) => ({
  at: formatInstant(sight.at),
  queues: sight.queues.map(queueJson),
  workers: sight.workers.map((worker) => ({ ...workerJson(worker), perSecond: worker.rates })),
  running: runningOf(sight).map(({ id, task, worker, startedAt }) => ({
    ...{ id, task, worker, startedAt: formatInstant(startedAt), ageMs: Math.max(0, sight.at - startedAt) },
  })),
  totals: totalsOf(sight),
})

const QUEUES = (at: number): readonly Column<QueueCounts>[] => [
  { title: "QUEUE", cell: ({ queue }) => queue },
  { title: "READY", cell: ({ ready }) => ready, right: true },
  { title: "OLDEST", cell: ({ oldestReadyAt }) => age(at, oldestReadyAt), right: true },
  { title: "RUNNING", cell: ({ running }) => running, right: true },
  { title: "SCHEDULED", cell: ({ scheduled }) => scheduled, right: true },
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
]

const WORKERS = (at: number): readonly Column<Sight["workers"][number]>[] => [
  { title: "WORKER", cell: ({ name }) => name },
  {
    title: "STATE",
    cell: ({ state }) => state,
    color: ({ state }) => (state === "running" ? "green" : "yellow"),
  },
  { title: "RUNNING", cell: ({ running, concurrency }) => `${running.length}/${concurrency}`, right: true },
  { title: "DONE/S", cell: ({ rates }) => rateText(rates.succeeded), right: true },
  {
    title: "FAIL/S",
    cell: ({ rates }) => rateText(rates.failed + rates.retried),
    right: true,
    color: ({ rates }) => (rates.failed + rates.retried > 0 ? "red" : undefined),
  },
  { title: "RSS", cell: ({ rssBytes }) => `${Math.round(rssBytes / 1024 ** 2)}MB`, right: true },
  { title: "SEEN", cell: ({ seenAt }) => age(at, seenAt), right: true },
  { title: "QUEUES", cell: ({ queues }) => queues.join(",") || "-" },
]

const RUNNING = (at: number): readonly Column<Running>[] => [
  { title: "AGE", cell: ({ startedAt }) => age(at, startedAt), right: true },
  { title: "TASK", cell: ({ task }) => task },
  { title: "WORKER", cell: ({ worker }) => worker },
  { title: "ID", cell: ({ id }) => id },
]

/** How long ago, to the second. */
const age = (now: number, then: number | undefined): string =>
  then === undefined
    ? "-"
    : now - then < 1000
      ? "now"
      : formatDuration(Math.floor((now - then) / 1000) * 1000)

/** As people read it; of a terminal of so many lines, what runs is cut to what is left. */
export function sightTable(sight: Sight, paint: Paint, screen?: { width: number; height: number }): string {
  const { at, namespace, queues, workers } = sight
  const { ready, dead, concurrency, perSecond } = totalsOf(sight)
  const running = runningOf(sight)
  const failing = perSecond.failed + perSecond.retried
  const head = [
    paint("bold", namespace),
    formatInstant(at).slice(11, 19),
    `${workers.length} worker${workers.length === 1 ? "" : "s"}`,
    `${running.length}/${concurrency} running`,
    `${ready} ready`,
    `${rateText(perSecond.succeeded)}/s done`,
    failing > 0 ? paint("red", `${rateText(failing)}/s failing`) : "0/s failing",
    dead > 0 ? paint("red", `${dead} dead`) : "0 dead",
  ].join("  ")
  const table = <R>(rows: readonly R[], columns: readonly Column<R>[], none: string) =>
    rows.length === 0 ? `${none}\n` : renderTable(rows, columns, paint, screen?.width)
  const above = [
    `${head}\n`,
    table(queues, QUEUES(at), "No queue holds anything."),
    table(workers, WORKERS(at), paint("yellow", "No worker is running.")),
  ]
  const used = above.join("\n").split("\n").length
  const room = screen ? Math.max(1, screen.height - used - 3) : running.length
  const shown = running.length > room ? running.slice(0, Math.max(1, room - 1)) : running
  const more = running.length - shown.length
  const below = `${table(shown, RUNNING(at), "Nothing runs.")}${more > 0 ? `and ${more} more\n` : ""}`
  return [...above, below].join("\n")
}
