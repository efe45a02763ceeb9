import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import { messageOf, StemError } from "../kit/errors.ts"
import { deepFreeze } from "../kit/freeze.ts"
import { remembering } from "../kit/memo.ts"
import { isZone } from "../kit/zone.ts"
import { Name, type TimeLimits } from "./envelope.ts"
import { RetryPolicy } from "./retry.ts"

/** What of the sun a schedule may wait for. Dawn and dusk are civil: its centre 6 degrees under the horizon. */
export const SOLAR_EVENTS = ["dawn", "sunrise", "noon", "sunset", "dusk"] as const
/** One of {@link SOLAR_EVENTS}. */
export type SolarEvent = (typeof SOLAR_EVENTS)[number]

/** The shortest interval of `every`. Below it a task per firing is no longer what anybody wants. */
export const SHORTEST_EVERY_MS: Millis = 100

/** When a schedule fires. Cron, rrule and solar are read in the schedule's time zone; see core/beat/calendar.ts. */
export type ScheduleSpec =
  /** Five fields, or six with seconds first, or `@daily` and its like. */
  | { readonly kind: "cron"; readonly expression: string }
  /** At `anchor` and every `everyMs` before and after it: never drifts, whenever Beat is started. */
  | { readonly kind: "every"; readonly everyMs: Millis; readonly anchor: Millis }
  /** Once. */
  | { readonly kind: "at"; readonly at: Millis }
  /** RFC 5545: `FREQ=…`, `RRULE:FREQ=…`, or lines with DTSTART, RRULE, RDATE and EXDATE. */
  | { readonly kind: "rrule"; readonly rule: string }
  /** The sun at a place, in degrees (north and east are positive), `offsetMs` after the event or, negative, before. */
  | {
      readonly kind: "solar"
      readonly event: SolarEvent
      readonly latitude: number
      readonly longitude: number
      readonly offsetMs: Millis
    }

/**
 * What to do with wall-clock times that daylight saving, or any other change of a zone's offset, removes or repeats.
 * It is about fixed times; intervals (`every`, and cron entries with a free or stepped hour or minute) follow the
 * clock. core/beat/calendar.ts says it precisely.
 */
export interface DstPolicy {
  /** A time in the missing hour runs at the first instant after it, or not on that day. */
  readonly gap: "run" | "skip"
  /** A time in the hour that comes twice runs the first time only, or both times. */
  readonly overlap: "once" | "twice"
}

/** What to do with instants that nobody was there to fire. Instants of the last minute are late, not missed. */
export interface MisfirePolicy {
  /** Fire none of them, the last one, or all of them (the newest `max`). */
  readonly policy: "skip" | "last" | "all"
  /** Instants missed by more than this are never made up for. */
  readonly windowMs: Millis
  /** The most that `all` fires at once. */
  readonly max: number
}

/** What to do when the task of the firing before has not ended. */
export type OverlapPolicy = "allow" | "skip" | "queue-one" | "cancel-previous"

/** What each firing's envelope insists on, as in {@link Envelope}; where silent, the task's definition decides. */
export interface ScheduleOptions {
  readonly retry?: Partial<RetryPolicy> | undefined
  readonly timeLimits?: TimeLimits | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A firing's task may start until this long after its nominal instant. */
  readonly expiresInMs?: Millis | undefined
  /** Where the task's definition sends it, for firings of which neither the schedule nor routing says so. */
  readonly defaults?:
    | { readonly queue?: string | undefined; readonly priority?: number | undefined }
    | undefined
}

/**
 * When to enqueue which task. An immutable fact: what has happened to it (last, next, paused, runs) is kept beside it
 * by the store. Unknown fields are kept on the way through.
 */
export interface Schedule {
  readonly v: 1
  readonly name: string
  readonly spec: ScheduleSpec
  /** IANA, such as `Europe/Berlin` or `UTC`. */
  readonly timezone: string
  /** Not before this instant. */
  readonly startAt?: Millis | undefined
  /** Not at or after this instant. */
  readonly endAt?: Millis | undefined
  /** It is over after so many firings. */
  readonly maxRuns?: number | undefined
  /** Each firing waits up to, not including, this long: see core/beat/jitter.ts. Smaller than the interval. */
  readonly jitterMs?: Millis | undefined
  readonly dst: DstPolicy
  readonly misfire: MisfirePolicy
  readonly overlap: OverlapPolicy
  /** So many failures one after the other pause it. */
  readonly pauseAfterFailures?: number | undefined
  readonly task: string
  readonly input: unknown
  /** Default: the task's own. */
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  readonly options: ScheduleOptions
  /** Where it is defined: `command`, `file:<path>` or `code:<module>`. Those of files and code are synced by name. */
  readonly source: string
}

/** As Vixie cron does: what falls into the missing hour still runs once, what comes twice runs once. */
export const DEFAULT_DST: DstPolicy = Object.freeze({ gap: "run", overlap: "once" })

/** The last missed instant is made up for within an hour. */
export const DEFAULT_MISFIRE: MisfirePolicy = Object.freeze({
  policy: "last",
  windowMs: 3_600_000,
  max: 100,
})

const LATEST = 8_640_000_000_000_000 // the last instant of ECMAScript's Date
const Instant = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LATEST))
const Length = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LATEST))
const Span = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LATEST))
const Count = v.pipe(v.number(), v.integer(), v.minValue(1))

const Spec = v.variant("kind", [
  v.looseObject({ kind: v.literal("cron"), expression: v.pipe(v.string(), v.maxLength(1000)) }),
  v.looseObject({
    kind: v.literal("every"),
    everyMs: v.pipe(
      Length,
      v.minValue(SHORTEST_EVERY_MS, `is shorter than the shortest interval, ${SHORTEST_EVERY_MS} ms`),
    ),
    anchor: v.optional(Instant, 0),
  }),
  v.looseObject({ kind: v.literal("at"), at: Instant }),
  v.looseObject({ kind: v.literal("rrule"), rule: v.pipe(v.string(), v.maxLength(10_000)) }),
  v.looseObject({
    kind: v.literal("solar"),
    event: v.picklist(SOLAR_EVENTS),
    latitude: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
    longitude: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
    offsetMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(-43_200_000), v.maxValue(43_200_000)), 0),
  }),
])

const Zone = v.pipe(v.string(), v.check(isZone, "is not a time zone of the IANA database"))

const Priority = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9))

const Options = v.looseObject({
  retry: v.optional(v.partial(RetryPolicy)),
  timeLimits: v.optional(v.looseObject({ softMs: v.optional(Length), hardMs: v.optional(Length) })),
  headers: v.optional(v.record(v.string(), v.string())),
  expiresInMs: v.optional(Length),
  defaults: v.optional(v.looseObject({ queue: v.optional(Name), priority: v.optional(Priority) })),
})

const Fields = v.looseObject({
  v: v.literal(1),
  name: Name,
  spec: Spec,
  timezone: v.optional(Zone, "UTC"),
  startAt: v.optional(Instant),
  endAt: v.optional(Instant),
  maxRuns: v.optional(Count),
  jitterMs: v.optional(Span),
  dst: v.optional(
    v.looseObject({
      gap: v.optional(v.picklist(["run", "skip"]), DEFAULT_DST.gap),
      overlap: v.optional(v.picklist(["once", "twice"]), DEFAULT_DST.overlap),
    }),
    {},
  ),
  misfire: v.optional(
    v.looseObject({
      policy: v.optional(v.picklist(["skip", "last", "all"]), DEFAULT_MISFIRE.policy),
      windowMs: v.optional(Span, DEFAULT_MISFIRE.windowMs),
      max: v.optional(v.pipe(Count, v.maxValue(1000)), DEFAULT_MISFIRE.max),
    }),
    {},
  ),
  overlap: v.optional(v.picklist(["allow", "skip", "queue-one", "cancel-previous"]), "allow"),
  pauseAfterFailures: v.optional(Count),
  task: Name,
  input: v.optional(v.unknown(), null),
  queue: v.optional(Name),
  priority: v.optional(Priority),
  options: v.optional(Options, {}),
  source: v.optional(
    v.pipe(v.string(), v.regex(/^(command|(file|code):.+)$/s, "is not command, file:… or code:…")),
    "command",
  ),
})

const ScheduleSchema = v.pipe(
  Fields,
  v.forward(
    v.partialCheck(
      [["startAt"], ["endAt"]],
      ({ startAt, endAt }) => startAt === undefined || endAt === undefined || startAt < endAt,
      "is not after startAt",
    ),
    ["endAt"],
  ),
  v.forward(
    v.partialCheck(
      [["spec"], ["jitterMs"]],
      ({ spec, jitterMs }) => spec.kind !== "every" || jitterMs === undefined || jitterMs < spec.everyMs,
      "is not smaller than the interval",
    ),
    ["jitterMs"],
  ),
)

/** What {@link parseSchedule} takes: what is left out gets its default. */
export type ScheduleDraft = v.InferInput<typeof Fields>

/**
 * Checks, fills in defaults and freezes. Throws `malformed_schedule` naming the schedule and the field. Whether a cron
 * expression or a rule can be read, and whether the jitter fits their interval, is for `checkSchedule` of core/beat.
 */
export function parseSchedule(value: unknown): Schedule {
  const parsed = v.safeParse(ScheduleSchema, value, { abortEarly: true })
  if (parsed.success) return deepFreeze(parsed.output as Schedule)
  const issue = parsed.issues[0]
  const field = v.getDotPath(issue) ?? "the schedule"
  throw new StemError(
    "invalid",
    "malformed_schedule",
    `malformed schedule${named(value)}: ${field}: ${issue.message}`,
  )
}

function named(value: unknown): string {
  const name = typeof value === "object" && value !== null && "name" in value ? value.name : undefined
  return typeof name === "string" ? ` "${name.slice(0, 100)}"` : ""
}

/** The schedule as it is stored. */
export const encodeSchedule = (schedule: Schedule): string => JSON.stringify(schedule)

/** The inverse of {@link encodeSchedule}. Throws `malformed_schedule` for text that is none. */
export const decodeSchedule: (text: string) => Schedule = remembering(readText, 20_000)

function readText(text: string): Schedule {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new StemError("invalid", "malformed_schedule", `malformed schedule: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return parseSchedule(value)
}
