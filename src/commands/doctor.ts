import type { Config } from "../core/config/config.ts"
import type { Finding } from "../core/contracts/driver.ts"
import type { QueueCounts } from "../core/contracts/inspector.ts"
import type { Presence } from "../core/contracts/workers.ts"
import { formatDuration } from "../core/kit/duration.ts"
import { StemError } from "../core/kit/errors.ts"
import type { Stores } from "../stem.ts"
import { checkStores } from "./doctor/checkups.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showList } from "./shell/output.ts"
import { withStores } from "./shell/stores.ts"
import { keptIn } from "./spool/kept.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem doctor", "what can hurt, each with its fix; exit 1 when something is wrong"],
    ["stem doctor -o json", "for monitoring"],
  ],
  flags: { ...OUTPUT_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, async ({ stores, config }) => {
      const findings = [
        ...(await checkStores(stores.drivers)),
        ...(await lookAtWork(stores)),
        ...(await lookAtGroups(stores)),
        ...(await lookAtSpool(config)),
      ]
      await showList(shell, flags.output, {
        rows: findings,
        columns: [
          {
            title: "LEVEL",
            cell: ({ level }) => level,
            color: ({ level }) => (level === "ok" ? "green" : level === "warning" ? "yellow" : "red"),
          },
          { title: "SUBJECT", cell: ({ subject }) => subject },
          { title: "FINDING", cell: ({ message, fix }) => (fix ? `${message} Fix: ${fix}` : message) },
        ],
        json: ({ level, subject, message, fix }) => ({ level, subject, message, fix: fix ?? null }),
        name: ({ subject }) => subject,
      })
      return findings.some(({ level }) => level === "problem") ? EXIT.failed : EXIT.done
    }),
})

const HOUR = 3_600_000
/** A task that has been ready for so long is not just waiting its turn for a moment. */
const LONG_READY = 60_000

/** What the store itself can not know: whether anybody does the work, and what fails. */
async function lookAtWork({ inspector, workers: registry, clock }: Stores): Promise<Finding[]> {
  const now = clock.now()
  const [queues, workers, dead, lately] = await Promise.all([
    inspector.queues(),
    registry.list(),
    inspector.deadLetters.count({}),
    inspector.deadLetters.count({ since: now - HOUR }),
  ])
  return [
    workers.length === 0
      ? {
          level: "warning",
          subject: "workers",
          message: "No worker is running.",
          fix: "stem worker ./tasks.ts",
        }
      : { level: "ok", subject: "workers", message: `${workers.length} running.` },
    ...queues.flatMap((queue) => lookAtQueue(queue, workers, now)),
    deadFinding(dead, lately),
  ]
}

function lookAtQueue(queue: QueueCounts, workers: readonly Presence[], now: number): Finding[] {
  const subject = `queue ${queue.queue}`
  const waiting = queue.ready + queue.retrying
  if (waiting === 0) return []
  if (queue.paused)
    return [
      {
        ...{ level: "warning", subject },
        message: `${waiting} tasks wait, and the queue is paused.`,
        fix: `stem queue resume ${queue.queue}`,
      },
    ]
  if (!workers.some(({ queues }) => queues.includes(queue.queue)))
    return [
      {
        ...{ level: "problem", subject },
        message: `${waiting} tasks wait, and no running worker serves the queue.`,
        fix: `stem worker ./tasks.ts --queues ${queue.queue}`,
      },
    ]
  const age = queue.oldestReadyAt === undefined ? 0 : now - queue.oldestReadyAt
  if (age < LONG_READY) return []
  return [
    {
      ...{ level: "warning", subject },
      message: `The oldest ready task has waited ${formatDuration(age)}.`,
      fix: "Raise --concurrency, or start another worker.",
    },
  ]
}

/** A join that should have been made and was not is made now, and told: it points to damage, or to a fault of ours. */
async function lookAtGroups({ groups }: Stores): Promise<Finding[]> {
  const found = await groups.sweep(1000).catch((error) => {
    if (error instanceof StemError && error.code === "damaged_group") return error
    throw error
  })
  if (found instanceof StemError)
    return [{ level: "problem", subject: "groups", message: `${found.message}.`, fix: found.hint }]
  if (found.length === 0)
    return [{ level: "ok", subject: "groups", message: "Every group that is whole was joined." }]
  return [
    {
      ...{ level: "problem", subject: "groups" },
      message: `${found.length} groups were whole and had not been joined, ${found[0]?.id} among them; they are now.`,
      fix: "Was the store restored from a backup, or damaged? If not, please report it.",
    },
  ]
}

/** Nothing is said of a spool that is not there, or empty. */
const lookAtSpool = async (config: Config): Promise<Finding[]> =>
  (await keptIn(config)).map(({ store, namespace, count }) => ({
    ...{ level: "warning", subject: "spool" },
    message: `${config.spool.path} keeps ${count} tasks for ${store}, namespace ${namespace}.`,
    fix: "stem spool flush delivers them, and so does a worker with --spool.",
  }))

const deadFinding = (dead: number, lately: number): Finding =>
  lately > 0
    ? {
        ...{ level: "warning", subject: "dead letters" },
        message: `${lately} in the last hour, ${dead} in all.`,
        fix: "stem dlq list --group shows what they died of; stem dlq replay brings them back.",
      }
    : { level: "ok", subject: "dead letters", message: `None in the last hour, ${dead} in all.` }
