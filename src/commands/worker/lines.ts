import { formatDuration } from "../../core/kit/duration.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { EventTask, WorkerEvent } from "../../core/observe/events.ts"
import type { Failure } from "../../core/task/failure.ts"
import type { ShellFailure } from "../../core/task/shell.ts"
import { beatLine } from "../beat/lines.ts"
import { failureText } from "../shell/failure.ts"

/** One line of the log. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly event: WorkerEvent["kind"] | string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

type Level = Line["level"]

/** What is told of an event, and how loudly. */
export function lineOf(event: WorkerEvent): Line {
  const line = (level: Level, message: string, fields: Line["fields"] = {}): Line => ({
    ...{ level, event: event.kind, message, fields },
  })
  switch (event.kind) {
    case "ready": {
      const { tasks, queues, concurrency, isolates } = event
      const message = `ready: ${counted(tasks.length, "task")} of ${counted(queues.length, "queue")} (${queues.join(", ")}), ${concurrency} at once in ${counted(isolates, "isolate")}`
      return line("info", message, { tasks, queues, concurrency, isolates })
    }
    case "started":
      return line("debug", `${event.task} started`, about(event))
    case "succeeded":
      return line("info", `${event.task} succeeded in ${formatDuration(event.ms)}`, {
        ...about(event),
        ms: event.ms,
      })
    case "retrying":
      return line(
        "warn",
        `${event.task} failed at attempt ${event.attempt} and is tried again: ${failureText(event.error)}`,
        {
          ...about(event),
          at: formatInstant(event.at),
          error: brief(event.error),
        },
      )
    case "failed":
      return line(
        "error",
        `${event.task} failed for good at attempt ${event.attempt}: ${failureText(event.error)}`,
        {
          ...about(event),
          error: brief(event.error),
        },
      )
    case "cancelled":
      return line("info", `${event.task} was cancelled`, about(event))
    case "expired":
      return line("warn", `${event.task} expired before it could run`, about(event))
    case "released":
      return line("info", `${event.task} was handed back`, about(event))
    case "lease_lost":
      return line("warn", `${event.task} was lost to another worker`, about(event))
    case "log":
      return line(event.level, `${event.task}: ${event.message}`, {
        ...{ id: event.id, task: event.task },
        ...(event.fields && { extra: event.fields }),
      })
    case "limited": {
      const { refused } = event
      const total = refused.reduce((sum, { count }) => sum + count, 0)
      const most = refused.slice(0, 5).map(({ key, count }) => `${key} ${count}`)
      const more = refused.length > most.length ? ["…"] : []
      return line("info", `limits kept ${counted(total, "task")} waiting: ${[...most, ...more].join(", ")}`, {
        refused,
      })
    }
    case "isolate_died":
      return line(
        "error",
        `isolate ${event.pid} died with ${counted(event.running, "task")}: ${event.reason}`,
        {
          ...{ pid: event.pid, reason: event.reason, running: event.running },
        },
      )
    case "isolates_lost":
      return line(
        "error",
        `no isolate can be started: ${event.reason}; nothing is taken, and what was goes back at no cost, until one can`,
        { reason: event.reason },
      )
    case "isolates_back":
      return line("info", "an isolate could be started; tasks are taken again")
    case "isolate_differs":
      return line(
        "warn",
        `isolate ${event.pid} runs other code than those before it: ${event.files.join(", ")} changed; send HUP, so that all run the same`,
        { pid: event.pid, files: event.files },
      )
    case "store_lost":
      return line("error", `the store can not be used: ${event.error.message}; trying again`, {
        error: plain(event.error),
      })
    case "events_dropped":
      return line("warn", `${counted(event.count, "event")} could not be told while the store was away`, {
        count: event.count,
      })
    case "store_back":
      return line("info", `the store is back after ${formatDuration(event.awayMs)}`, { awayMs: event.awayMs })
    case "reloaded":
      return line("info", `the modules were read anew: ${counted(event.tasks.length, "task")}`, {
        tasks: event.tasks,
      })
    case "reload_failed":
      return line("error", `the modules can not be read anew, the old ones go on: ${event.error.message}`, {
        error: plain(event.error),
      })
    case "hook_failed": {
      const { middleware, hook, id, error } = event
      return line("warn", `${hook} of middleware ${middleware} failed: ${failureText(error)}`, {
        ...{ middleware, hook, ...(id !== undefined && { id }), error },
      })
    }
    case "hooks_dropped":
      return line("warn", `${counted(event.count, "event")} reached no hook, for hooks can not keep up`, {
        count: event.count,
      })
    case "resized": {
      const { from, to, isolates, reason } = event
      return line("info", `${to} at once from now on, not ${from}: ${reason}`, { from, to, isolates, reason })
    }
    case "commanded":
      return line("info", `was told: ${event.order}`, { order: event.order })
    case "quieted":
      return line("info", `takes nothing new, and stays; ${counted(event.running, "task")} still run`, {
        running: event.running,
      })
    case "resumed":
      return line("info", "takes work again")
    case "draining":
      return line("info", draining(event.running, event.graceMs), {
        ...{ running: event.running, graceMs: event.graceMs },
      })
    case "aborting":
      return line(
        "warn",
        `aborting ${counted(event.running, "task")} and handing back what does not end; the next signal leaves at once`,
        {
          running: event.running,
        },
      )
    case "pruned":
      return line("debug", `forgot ${event.statuses} ended tasks and ${event.deadLetters} dead letters`, {
        ...{ statuses: event.statuses, deadLetters: event.deadLetters },
      })
    case "groups_mended":
      return line(
        "error",
        `groups that should have ended before were ended now: ${event.groups.join(", ")}`,
        {
          groups: event.groups,
        },
      )
    case "spool_flushed":
      return line("info", `delivered ${counted(event.count, "task")} that the spool had kept`, {
        count: event.count,
      })
    case "upkeep_failed":
    case "listener_failed":
      return line("warn", `${event.kind.replace("_", " ")}: ${event.error.message}`, { error: event.error })
    case "stopped":
      return line(
        "info",
        event.forced ? "stopped; what was unfinished was handed back" : "stopped; everything was finished",
        {
          forced: event.forced,
        },
      )
    default:
      return { event: event.kind, ...beatLine(event) }
  }
}

const about = ({ id, task, queue, attempt }: EventTask) => ({ id, task, queue, attempt })

/** Where in Stem it was thrown is nothing for a log. */
function plain(error: Failure): Failure {
  const { stack: _, ...rest } = error
  return rest
}

/** What a command has written is kept with the task; a log is no place for it. */
function brief(error: Failure): Failure {
  const { output: _, ...rest } = error as ShellFailure
  return rest
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`

const draining = (running: number, graceMs: number) =>
  running === 0
    ? "draining: takes nothing new, nothing runs"
    : `draining: takes nothing new, lets ${counted(running, "task")} finish for up to ${formatDuration(graceMs)}; the next signal aborts them`
