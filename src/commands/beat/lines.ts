import { formatDuration } from "../../core/kit/duration.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { BeatEvent } from "../../core/observe/beat-events.ts"

/** What is told of one event of a Beat. */
export interface BeatLine {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const line = (level: BeatLine["level"], message: string, fields: BeatLine["fields"] = {}): BeatLine => ({
  ...{ level, message, fields },
})

/** How the reasons of the misfire policy begin. */
const MISSED = /^missed/

/** A Beat is quiet: firings are told to those who ask for debug. */
export function beatLine(event: BeatEvent): BeatLine {
  switch (event.kind) {
    case "beat_ready": {
      const { schedules } = event
      return line("info", `ready: ${schedules} schedule${schedules === 1 ? "" : "s"}`, { schedules })
    }
    case "schedule_fired": {
      const { schedule, id, task, nominalAt, latenessMs } = event
      return line("debug", `${schedule} fired`, {
        ...{ id, schedule, task, nominalAt: formatInstant(nominalAt), latenessMs },
      })
    }
    case "schedule_skipped": {
      const { schedule, nominalAt, reason } = event
      // What was missed is worth a word; what waits for its own tasks stands in the history.
      return line(
        MISSED.test(reason) ? "info" : "debug",
        `${schedule} skips ${formatInstant(nominalAt)}: ${reason}`,
        {
          ...{ schedule, nominalAt: formatInstant(nominalAt), reason },
        },
      )
    }
    case "schedule_paused":
      return line("warn", `${event.schedule} is paused: ${event.reason}`, {
        ...{ schedule: event.schedule, reason: event.reason },
      })
    case "schedule_over":
      return line("info", `${event.schedule} is over after ${event.runs} firings`, {
        ...{ schedule: event.schedule, runs: event.runs },
      })
    case "schedule_lost":
      return line("debug", `${event.schedule} was taken over or edited meanwhile`, {
        schedule: event.schedule,
      })
    case "clock_jumped": {
      const { byMs } = event
      const how = `${formatDuration(Math.abs(byMs))} ${byMs > 0 ? "forwards" : "backwards"}`
      return line("warn", `the clock jumped ${how}; missed instants follow their misfire policy`, { byMs })
    }
    case "schedules_synced": {
      const { source, added, changed, removed } = event
      const quiet = added.length + changed.length + removed.length === 0
      const counts = `${added.length} added, ${changed.length} changed, ${removed.length} removed`
      return line(quiet ? "debug" : "info", `schedules of ${source}: ${counts}`, {
        ...{ source, added, changed, removed },
      })
    }
    case "schedule_taken": {
      const { schedule, source, by } = event
      const message = `${schedule} of ${source} is left out: ${by} has defined it`
      return line("warn", message, { schedule, source, by })
    }
    case "middleware_failed": {
      const { schedule, id, reason } = event
      const message = `${schedule} was fired without its middleware, which did not answer: ${reason}`
      return line("warn", message, { schedule, id, reason })
    }
    case "sync_failed":
      return line("error", `the schedules can not be read anew, the old ones go on: ${event.error.message}`, {
        error: event.error,
      })
    case "beat_stopped":
      return line("info", "beat stopped")
  }
}
