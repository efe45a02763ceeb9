import { formatDuration } from "../../core/kit/duration.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { Gap } from "../../core/observe/follow.ts"
import type { SeenEvent } from "../../core/task/event.ts"
import { cleanLine, type Paint } from "../shell/terminal.ts"
import { showTime } from "../shell/times.ts"

/** Field names that scripts rely on; what does not concern a kind is absent. */
export function eventJson(event: SeenEvent | Gap): Record<string, unknown> {
  const { kind, at, cursor, ...more } = event
  const { dueAt, nominalAt, ...rest } = more as Partial<SeenEvent>
  return {
    ...{ kind, at: formatInstant(at), ...rest },
    ...(dueAt !== undefined && { dueAt: formatInstant(dueAt) }),
    ...(nominalAt !== undefined && { nominalAt: formatInstant(nominalAt) }),
    cursor,
  }
}

const COLORS = { succeeded: "green", failed: "red", retrying: "yellow", reclaimed: "yellow" } as const

/** One event as people read it: when, what, whose, and what else there is to say. */
export function eventLine(event: SeenEvent, paint: Paint, time: string | undefined): string {
  const { kind, at } = event
  const color = COLORS[kind as keyof typeof COLORS]
  const when = time === "relative" ? showTime(at, time).padStart(12) : formatInstant(at)
  const word = kind.padEnd(14)
  return [when, color ? paint(color, word) : word, cleanLine(wordsOf(event).join("  "))].join("  ").trimEnd()
}

const wordsOf = ({
  id,
  task,
  queue,
  attempt,
  worker,
  ms,
  error,
  dueAt,
  schedule,
  count,
  kind,
}: SeenEvent) => [
  ...(schedule === undefined ? [] : [schedule]),
  ...(task === undefined ? [] : [task]),
  ...(id === undefined ? [] : [id]),
  ...(queue === undefined ? [] : [`queue ${queue}`]),
  ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
  ...(ms === undefined ? [] : [formatDuration(Math.round(ms))]),
  ...(count === undefined ? [] : [`${count} ${kind === "dropped" ? "events" : "tasks"}`]),
  ...(dueAt === undefined ? [] : [`due ${formatInstant(dueAt)}`]),
  ...(worker === undefined || !(kind === "worker_ready" || kind === "worker_stopped") ? [] : [worker]),
  ...(error === undefined ? [] : [`${error.name}: ${error.message}`]),
]
