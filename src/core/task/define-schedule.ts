import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import { type Duration, parseDuration } from "../kit/duration.ts"
import { invalid, messageOf } from "../kit/errors.ts"
import { parseInstant } from "../kit/instant.ts"
import { toJson } from "../kit/json.ts"
import type { TaskDefinition } from "./define.ts"
import {
  type DstPolicy,
  type MisfirePolicy,
  type OverlapPolicy,
  parseSchedule,
  type Schedule,
  type ScheduleSpec,
  SOLAR_EVENTS,
} from "./schedule.ts"
import { isForestalled } from "./time-limits.ts"

/** When a schedule fires: exactly one of `cron`, `every`, `at`, `rrule` and `solar`. */
export interface ScheduleTimes {
  /** Five fields, or six with seconds first, or `@daily` and its like. */
  cron?: string
  /** An interval, counted from `anchor` (default: 1970), so that it never drifts. */
  every?: Duration
  anchor?: string | Date
  /** One instant. */
  at?: string | Date
  /** RFC 5545. */
  rrule?: string
  /** The sun at a place. */
  solar?: {
    event: "dawn" | "sunrise" | "noon" | "sunset" | "dusk"
    latitude: number
    longitude: number
    offset?: Duration
  }
}

/**
 * A schedule: plain data, defined beside the tasks. When a Beat starts with the module it is stored by its name; edited
 * it keeps its history, and once it is no longer exported it is removed.
 *
 * @template I what the task takes
 */
export interface ScheduleDefinition<I = unknown> extends ScheduleTimes {
  /** Default: the name of the export. */
  name?: string
  /** A task's definition or function of the same module, or a name. */
  task: string | TaskDefinition<I, never> | ((input: I, ...rest: never[]) => unknown)
  input?: I
  /** IANA. Default: UTC. */
  timezone?: string
  startAt?: string | Date
  endAt?: string | Date
  /** It is over after so many firings. */
  maxRuns?: number
  /** Each firing waits up to so long, by its name and instant; smaller than the interval. */
  jitter?: Duration
  /** What becomes of times that daylight saving removes or repeats. Default: they run once. */
  dst?: Partial<DstPolicy>
  /** What becomes of instants that nobody was there to fire. Default: the last, within an hour. */
  misfire?: MisfirePolicy["policy"] | { policy?: MisfirePolicy["policy"]; window?: Duration; max?: number }
  /** When the task of the firing before has not ended. Default: allow. */
  overlap?: OverlapPolicy
  /** So many failures one after the other pause it. */
  pauseAfterFailures?: number
  queue?: string
  priority?: number
  retries?: number
  /** Hard time limit of one attempt. */
  timeout?: Duration
  /** Soft time limit of one attempt. */
  softTimeout?: Duration
  /** The task may start until so long after its nominal instant. */
  expires?: Duration
  headers?: Record<string, string>
}

/** Returns its argument; it only gives it types. A definition works without it. */
export const defineSchedule = <I = unknown>(definition: ScheduleDefinition<I>): ScheduleDefinition<I> =>
  definition

/** The ways to say when. */
export const SCHEDULE_TIMES = ["cron", "every", "at", "rrule", "solar"] as const

/** Whether an export is meant as a schedule: it says when, and which task. */
export const isScheduleDefinition = (value: unknown): value is ScheduleDefinition =>
  typeof value === "object" &&
  value !== null &&
  "task" in value &&
  !("run" in value) &&
  SCHEDULE_TIMES.some((kind) => kind in value)

const reading = <T>(read: (value: never) => T) =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      try {
        return read(dataset.value as never)
      } catch (error) {
        addIssue({ message: messageOf(error) })
        return NEVER
      }
    }),
  )

const Length = reading((value: Duration): Millis => parseDuration(value))
const Instant = reading(
  (value: string | Date): Millis =>
    value instanceof Date ? value.getTime() : parseInstant(atMost(String(value)), 0),
)
const Shift = reading(
  (value: Duration): Millis =>
    typeof value === "number"
      ? Math.round(value)
      : value.startsWith("-")
        ? -parseDuration(value.slice(1))
        : parseDuration(value.replace(/^\+/, "")),
)

function atMost(text: string): string {
  if (/^\d{4}-/.test(text)) return text
  throw invalid("invalid_instant", `"${text}" is not an instant`, "Write ISO 8601: 2026-03-29T01:30:00Z.")
}

const Definition = v.strictObject({
  name: v.optional(v.string()),
  task: v.string("must be a task's name"),
  input: v.optional(v.unknown()),
  cron: v.optional(v.string()),
  every: v.optional(Length),
  anchor: v.optional(Instant),
  at: v.optional(Instant),
  rrule: v.optional(v.string()),
  solar: v.optional(
    v.strictObject({
      event: v.picklist(SOLAR_EVENTS),
      latitude: v.number(),
      longitude: v.number(),
      offset: v.optional(Shift),
    }),
  ),
  timezone: v.optional(v.string()),
  startAt: v.optional(Instant),
  endAt: v.optional(Instant),
  maxRuns: v.optional(v.number()),
  jitter: v.optional(Length),
  dst: v.optional(v.unknown()),
  misfire: v.optional(
    v.union([
      v.string(),
      v.strictObject({
        policy: v.optional(v.string()),
        window: v.optional(Length),
        max: v.optional(v.number()),
      }),
    ]),
  ),
  overlap: v.optional(v.string()),
  pauseAfterFailures: v.optional(v.number()),
  queue: v.optional(v.string()),
  priority: v.optional(v.number()),
  retries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000))),
  timeout: v.optional(Length),
  softTimeout: v.optional(Length),
  expires: v.optional(Length),
  headers: v.optional(v.record(v.string(), v.string())),
})

/** What a schedule's definition may say. */
export const SCHEDULE_FIELDS: readonly string[] = Object.keys(Definition.entries)

/**
 * A definition whose task is a name, as the schedule it means. Throws `malformed_schedule` naming the schedule and the
 * field. Whether a cron expression or a rule can be read is for core/beat.
 */
export function scheduleOf(definition: object, source: string): Schedule {
  const { name } = definition as { name?: unknown }
  const parsed = v.safeParse(Definition, definition, { abortEarly: true })
  if (!parsed.success) {
    const issue = parsed.issues[0]
    const field = v.getDotPath(issue) ?? "the schedule"
    const unknown = issue.type === "strict_object" && !SCHEDULE_FIELDS.includes(field)
    const message = unknown ? "is no field of a schedule" : issue.message
    const hint = unknown ? `The fields are ${SCHEDULE_FIELDS.join(", ")}.` : undefined
    throw invalid("malformed_schedule", `schedule "${name}": ${field}: ${message}`, hint)
  }
  const { misfire, timeout, softTimeout, retries, expires, headers, jitter, input, ...given } = parsed.output
  if (isForestalled(softTimeout, timeout))
    throw invalid(
      "malformed_schedule",
      `schedule "${name}": softTimeout: must not be longer than timeout, which would end the task first`,
    )
  const { cron, every, anchor, at, rrule, solar, ...rest } = given
  const limits = { ...(softTimeout && { softMs: softTimeout }), ...(timeout && { hardMs: timeout }) }
  return parseSchedule({
    v: 1,
    ...rest,
    source,
    spec: specOf(String(name), { cron, every, anchor, at, rrule, solar }),
    input: JSON.parse(toJson(input ?? null, `the input of schedule "${name}"`)),
    ...(jitter !== undefined && { jitterMs: jitter }),
    ...(misfire !== undefined && {
      misfire:
        typeof misfire === "string"
          ? { policy: misfire }
          : { policy: misfire.policy, windowMs: misfire.window, max: misfire.max },
    }),
    options: {
      ...(retries !== undefined && { retry: { max: retries } }),
      ...(Object.keys(limits).length > 0 && { timeLimits: limits }),
      ...(headers && { headers }),
      ...(expires !== undefined && { expiresInMs: expires }),
    },
  })
}

type Times = Partial<Pick<v.InferOutput<typeof Definition>, (typeof SCHEDULE_TIMES)[number] | "anchor">>

function specOf(name: string, { cron, every, anchor, at, rrule, solar }: Times): ScheduleSpec {
  const said = Object.entries({ cron, every, at, rrule, solar }).filter(([, value]) => value !== undefined)
  if (said.length !== 1)
    throw invalid(
      "malformed_schedule",
      `schedule "${name}" says ${said.length === 0 ? "not when it fires" : "twice when it fires"}`,
      `Give one of ${SCHEDULE_TIMES.join(", ")}.`,
    )
  if (cron !== undefined) return { kind: "cron", expression: cron }
  if (every !== undefined) return { kind: "every", everyMs: every, anchor: anchor ?? 0 }
  if (at !== undefined) return { kind: "at", at }
  if (rrule !== undefined) return { kind: "rrule", rule: rrule }
  const { event, latitude, longitude, offset = 0 } = solar as NonNullable<typeof solar>
  return { kind: "solar", event, latitude, longitude, offsetMs: offset }
}
