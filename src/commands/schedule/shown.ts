import type { FiringRecord, StoredSchedule } from "../../core/contracts/schedules.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { Schedule, ScheduleSpec } from "../../core/task/schedule.ts"
import type { TaskState } from "../../core/task/status.ts"
import { isoOrNull } from "../shell/times.ts"

/** A spec as people write it. */
export function specText(spec: ScheduleSpec): string {
  switch (spec.kind) {
    case "cron":
      return spec.expression
    case "every":
      return `every ${formatDuration(spec.everyMs)}`
    case "at":
      return `at ${formatInstant(spec.at)}`
    case "rrule":
      return spec.rule.replace(/\s*\n\s*/g, " ")
    case "solar": {
      const { event, latitude, longitude, offsetMs } = spec
      const shift = offsetMs === 0 ? "" : ` ${offsetMs < 0 ? "-" : "+"}${formatDuration(Math.abs(offsetMs))}`
      return `${event} ${latitude} ${longitude}${shift}`
    }
  }
}

/** For programs: instants as ISO 8601. */
function specJson(spec: ScheduleSpec) {
  if (spec.kind === "at") return { kind: spec.kind, at: formatInstant(spec.at) }
  return spec.kind === "every" ? { ...spec, anchor: formatInstant(spec.anchor) } : spec
}

/** Field names that scripts rely on. */
export const scheduleJson = ({ schedule, state, paused }: StoredSchedule) => ({
  name: schedule.name,
  task: schedule.task,
  spec: specJson(schedule.spec),
  timezone: schedule.timezone,
  nextAt: isoOrNull(paused ? undefined : state.nextAt),
  lastAt: isoOrNull(state.lastAt),
  lastId: state.lastId ?? null,
  runs: state.runs,
  failures: state.failures,
  paused: paused !== undefined,
  pausedAt: isoOrNull(paused?.at),
  pausedWhy: paused?.why ?? null,
  source: schedule.source,
})

/** The whole definition beside it. */
export const scheduleJsonWhole = (stored: StoredSchedule) => ({
  ...scheduleJson(stored),
  ...definitionJson(stored.schedule),
})

const definitionJson = (schedule: Schedule) => ({
  input: schedule.input,
  queue: schedule.queue ?? schedule.options.defaults?.queue ?? null,
  priority: schedule.priority ?? schedule.options.defaults?.priority ?? null,
  startAt: isoOrNull(schedule.startAt),
  endAt: isoOrNull(schedule.endAt),
  maxRuns: schedule.maxRuns ?? null,
  jitterMs: schedule.jitterMs ?? null,
  dst: schedule.dst,
  misfire: schedule.misfire,
  overlap: schedule.overlap,
  pauseAfterFailures: schedule.pauseAfterFailures ?? null,
  options: schedule.options,
})

/** One line of a history; the state is that of the task now, `skipped`, or `forgotten` after its retention. */
export const firingJson = (record: FiringRecord, state: TaskState | undefined) => ({
  nominalAt: formatInstant(record.nominalAt),
  firedAt: formatInstant(record.firedAt),
  latenessMs: record.latenessMs,
  id: record.id ?? null,
  state: record.id === undefined ? "skipped" : (state ?? "forgotten"),
  ...(record.skipped !== undefined && { reason: record.skipped }),
  ...(record.byHand && { byHand: true }),
})
