import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import { messageOf, StemError } from "../kit/errors.ts"
import { deepFreeze } from "../kit/freeze.ts"
import { RetryPolicy } from "./retry.ts"

/** A UUIDv7, or the caller's own id: 1 to 200 characters without spaces or control characters. */
export type TaskId = string

/** Names of tasks and queues: 1 to 100 letters, digits and `. _ : / -`, beginning with a letter, digit or `_`. */
export const Name = v.pipe(
  v.string(),
  v.regex(/^[\p{L}\p{N}_][\p{L}\p{N}_.:/-]{0,99}$/u, "is not a valid name"),
)

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const Id = v.pipe(v.string(), v.regex(/^[^\s\u0000-\u001f\u007f]{1,200}$/, "is not a valid id"))
const Instant = v.pipe(v.number(), v.integer(), v.minValue(0))
const Length = v.pipe(v.number(), v.integer(), v.minValue(1))

/** Soft: the handler's signal aborts. Hard: its isolate is killed. */
export interface TimeLimits {
  readonly softMs?: Millis | undefined
  readonly hardMs?: Millis | undefined
}

/**
 * What is sent. An immutable fact: a retry never changes it. Unknown fields are kept, so that a newer Stem's
 * envelopes pass through an older one unharmed.
 */
export interface Envelope {
  readonly v: 1
  readonly id: TaskId
  readonly task: string
  readonly input: unknown
  readonly queue: string
  /** 0 to 9; 9 is taken first. */
  readonly priority: number
  readonly enqueuedAt: Millis
  /** Not before this instant. */
  readonly dueAt: Millis
  /** Not at or after this instant. */
  readonly expiresAt?: Millis | undefined
  /** What the sender insists on; where it is silent the task's own definition decides, at the worker. */
  readonly retry?: Partial<RetryPolicy> | undefined
  readonly timeLimits?: TimeLimits | undefined
  readonly headers: Readonly<Record<string, string>>
  /** The rest of its chain: the first of them is sent when this task succeeds. */
  readonly then?: readonly Envelope[] | undefined
  readonly parent?: TaskId | undefined
  readonly root?: TaskId | undefined
}

const EnvelopeSchema: v.GenericSchema<unknown, Envelope> = v.looseObject({
  v: v.literal(1),
  id: Id,
  task: Name,
  input: v.unknown(),
  queue: Name,
  priority: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
  enqueuedAt: Instant,
  dueAt: Instant,
  expiresAt: v.optional(Instant),
  retry: v.optional(v.partial(RetryPolicy)),
  timeLimits: v.optional(v.looseObject({ softMs: v.optional(Length), hardMs: v.optional(Length) })),
  headers: v.record(v.string(), v.string()),
  then: v.optional(v.array(v.lazy(() => EnvelopeSchema))),
  parent: v.optional(Id),
  root: v.optional(Id),
}) as v.GenericSchema<unknown, Envelope>

/** Checks and freezes. Throws `malformed_envelope` naming the field; for everything that enters from outside. */
export function parseEnvelope(value: unknown): Envelope {
  const parsed = v.safeParse(EnvelopeSchema, value, { abortEarly: true })
  if (parsed.success) return deepFreeze(parsed.output)
  const issue = parsed.issues[0]
  const field = v.getDotPath(issue) ?? "the envelope"
  throw new StemError("invalid", "malformed_envelope", `malformed envelope: ${field}: ${issue.message}`)
}

/** The same for a value that is nobody else's: it is frozen itself rather than copied, where it is ordinary. */
export const takeEnvelope = (value: unknown): Envelope =>
  isOrdinary(value) ? deepFreeze(value) : parseEnvelope(value)

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$/
const ID = /^[!-~]{1,200}$/

/**
 * Whether this is the most ordinary of envelopes, which the schema is known to let through unchanged. Making
 * and reading them are hot paths, and this is many times as fast; whatever is not ordinary goes to the schema.
 */
function isOrdinary(value: unknown): value is Envelope {
  if (typeof value !== "object" || value === null) return false
  let fields = 0
  for (const key in value) {
    if (!ORDINARY.has(key)) return false
    fields++
  }
  const { v, id, task, queue, priority, enqueuedAt, dueAt, headers } = value as Envelope
  return (
    fields === ORDINARY.size &&
    v === 1 &&
    isText(id, ID) &&
    isText(task, NAME) &&
    isText(queue, NAME) &&
    isWhole(priority) &&
    priority <= 9 &&
    isWhole(enqueuedAt) &&
    isWhole(dueAt) &&
    isTexts(headers)
  )
}

/** The fields that every envelope has, and most have no other. */
const ORDINARY = new Set("v id task input queue priority enqueuedAt dueAt headers".split(" "))

const isText = (value: unknown, shape: RegExp) => typeof value === "string" && shape.test(value)
const isWhole = (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= 0

function isTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  for (const key in value) if (typeof (value as Record<string, unknown>)[key] !== "string") return false
  return true
}

/** The envelope as it is stored. */
export const encodeEnvelope = (envelope: Envelope): string => JSON.stringify(envelope)

/** The inverse of {@link encodeEnvelope}. Throws `malformed_envelope` for text that is none. */
export function decodeEnvelope(text: string): Envelope {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new StemError("invalid", "malformed_envelope", `malformed envelope: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return takeEnvelope(value)
}
