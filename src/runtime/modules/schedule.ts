import { basename, extname } from "node:path"
import { invalid, StemError } from "../../core/kit/errors.ts"
import type { TaskSpec } from "../../core/task/define.ts"
import { scheduleOf } from "../../core/task/define-schedule.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { lineOfExport, showPlace } from "./source.ts"

/** An export that is meant as a schedule. */
interface Exported {
  readonly path: string
  readonly name: string
  readonly value: object
  /** The task of a definition or function that some module exports. */
  readonly taskOf: (value: unknown) => TaskSpec | undefined
}

/**
 * Checks one exported schedule and adds it. Of a task of these modules it remembers queue and
 * priority, for where the schedule is silent.
 * Throws `invalid` naming file and line.
 */
export function loadSchedule(
  schedules: Map<string, Schedule>,
  { path, name, value, taskOf }: Exported,
): void {
  const place = showPlace(path, lineOfExport(path, name))
  const given = value as { name?: unknown; task?: unknown; queue?: unknown; priority?: unknown }
  const spec = taskOf(given.task)
  if (spec === undefined && typeof given.task !== "string")
    throw invalid(
      "invalid_definition",
      `${place}: ${name}.task: is no task that these modules export`,
      "Export the task, or name it in quotes.",
    )
  const definition = {
    ...value,
    name: given.name ?? (name === "default" ? basename(path, extname(path)) : name),
    task: spec?.name ?? given.task,
  }
  const schedule = read(definition, path, place)
  if (schedules.has(schedule.name))
    throw invalid("duplicate_schedule", `${place}: two schedules are named "${schedule.name}"`)
  const { options } = schedule
  schedules.set(
    schedule.name,
    spec
      ? { ...schedule, options: { ...options, defaults: { queue: spec.queue, priority: spec.priority } } }
      : schedule,
  )
}

function read(definition: object, path: string, place: string): Schedule {
  try {
    return scheduleOf(definition, `code:${path}`)
  } catch (error) {
    if (!(error instanceof StemError)) throw error
    throw invalid("invalid_definition", `${place}: ${error.message}`, error.hint, error)
  }
}
