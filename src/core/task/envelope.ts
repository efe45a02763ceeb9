import * as v from "valibot"
import type { Millis } from "../kit/clock.ts"
import { messageOf, StemError } from "../kit/errors.ts"
import { deepFreeze } from "../kit/freeze.ts"
import type { Membership } from "./membership.ts"
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
  readonly then?: readonly Link[] | undefined
  /** Its place in a group. */
  readonly group?: Membership | undefined
  /** What it is given when it runs: the results of a group's members in order, or what became of those that failed. */
  readonly gathers?: Gathers | undefined
  /**
   * What becomes of the result before it, or of the results it gathers, where it has an input of its own: `true` puts
   * the fields of both together, a name puts it under that name. Without an input of its own it is the input.
   */
  readonly merge?: true | string | undefined
  readonly unique?: Unique | undefined
  readonly fair?: Fair | undefined
  readonly parent?: TaskId | undefined
  readonly root?: TaskId | undefined
}

/**
 * What else of its key may be there. The key is the sender's whole: two tasks of one key meet, whatever they are.
 *
 * - `live`: none that waits or runs.
 * - `window`: none that waits or runs, and none that was sent in the last `forMs`.
 * - `throttle`: none that was sent in the last `forMs`.
 * - `debounce`: one that waits takes over what the new one brings, its instant too. One that runs does not matter.
 * - `replace`: the same, and it keeps its own instant.
 */
export interface Unique {
  readonly key: string
  readonly mode: "live" | "window" | "throttle" | "debounce" | "replace"
  /** With `window` and `throttle`. */
  readonly forMs?: Millis | undefined
}

/** The end of a group, and what of it a task is given. */
export interface Gathers {
  readonly group: string
  readonly what: "results" | "failures"
}

/** Tasks of one queue and priority take turns by key; a key of twice the weight has twice the turns. */
export interface Fair {
  readonly key: string
  /** 1 to 100. Default: 1. */
  readonly weight?: number | undefined
}

/** What a chain goes on with: a task, or a group that is opened then. */
export type Link = TaskLink | GroupLink

/** A task that is not sent yet: an envelope without what it gets then, and without what is empty, for it is carried along. */
export interface TaskLink
  extends Pick<Envelope, "task" | "expiresAt" | "retry" | "timeLimits">,
    Pick<Envelope, "then" | "group" | "merge" | "unique" | "fair">,
    Partial<Pick<Envelope, "input" | "headers" | "dueAt">> {
  /** Absent: that of the task before it; and so is the priority. */
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  /** Not before this long after it is sent. */
  readonly delayMs?: Millis | undefined
}

/** A group that is not open yet. What follows it in its chain is sent when it is complete. */
export interface GroupLink {
  readonly members: readonly Link[]
  readonly tolerate?: number | undefined
  /** Sent when it is broken. */
  readonly broken?: TaskLink | undefined
  readonly then?: readonly Link[] | undefined
  readonly group?: Membership | undefined
}

const MembershipSchema = v.looseObject({ group: Id, index: v.pipe(v.number(), v.integer(), v.minValue(0)) })
const Key = v.pipe(v.string(), v.minLength(1), v.maxLength(1000))

const GroupLinkSchema: v.GenericSchema<unknown, GroupLink> = v.looseObject({
  members: v.array(v.lazy(() => LinkSchema)),
  tolerate: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  broken: v.optional(v.lazy(() => TaskLinkSchema)),
  then: v.optional(v.array(v.lazy(() => LinkSchema))),
  group: v.optional(MembershipSchema),
}) as v.GenericSchema<unknown, GroupLink>

const LinkSchema: v.GenericSchema<unknown, Link> = v.lazy((link) =>
  typeof link === "object" && link !== null && "members" in link ? GroupLinkSchema : TaskLinkSchema,
)

const Priority = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9))

/** What an envelope and a link have in common. */
const SENT = {
  task: Name,
  expiresAt: v.optional(Instant),
  retry: v.optional(v.partial(RetryPolicy)),
  timeLimits: v.optional(v.looseObject({ softMs: v.optional(Length), hardMs: v.optional(Length) })),
  then: v.optional(v.array(LinkSchema)),
  group: v.optional(MembershipSchema),
  merge: v.optional(v.union([v.literal(true), Name])),
  unique: v.optional(
    v.looseObject({
      key: Key,
      mode: v.picklist(["live", "window", "throttle", "debounce", "replace"]),
      forMs: v.optional(Length),
    }),
  ),
  fair: v.optional(
    v.looseObject({
      key: Key,
      weight: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100))),
    }),
  ),
}

const TaskLinkSchema: v.GenericSchema<unknown, TaskLink> = v.looseObject({
  ...SENT,
  queue: v.optional(Name),
  priority: v.optional(Priority),
  input: v.optional(v.unknown()),
  headers: v.optional(v.record(v.string(), v.string())),
  dueAt: v.optional(Instant),
  delayMs: v.optional(Instant),
}) as v.GenericSchema<unknown, TaskLink>

const EnvelopeSchema: v.GenericSchema<unknown, Envelope> = v.looseObject({
  ...SENT,
  v: v.literal(1),
  id: Id,
  queue: Name,
  priority: Priority,
  input: v.unknown(),
  enqueuedAt: Instant,
  dueAt: Instant,
  headers: v.record(v.string(), v.string()),
  gathers: v.optional(v.looseObject({ group: Id, what: v.picklist(["results", "failures"]) })),
  parent: v.optional(Id),
  root: v.optional(Id),
}) as v.GenericSchema<unknown, Envelope>

/** Whether it may be the id of a task or a group. */
export const isTaskId = (value: unknown): value is TaskId => v.is(Id, value)

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
  const { v, id, task, input, queue, priority, enqueuedAt, dueAt, headers } = value as Envelope
  return (
    v === 1 &&
    isText(id, ID) &&
    isText(task, NAME) &&
    input !== undefined &&
    isText(queue, NAME) &&
    isWhole(priority) &&
    priority <= 9 &&
    isWhole(enqueuedAt) &&
    isWhole(dueAt) &&
    isTexts(headers) &&
    hasNoStranger(value as Envelope)
  )
}

/** The fields that every envelope has, and most have no other. */
const ORDINARY = 9

/** Whether it has no field that the schema would have to look at, given that it has the ordinary ones. */
function hasNoStranger(value: Envelope): boolean {
  const fields = Object.keys(value).length
  if (fields === ORDINARY) return true
  // Fields that the tasks of a flow have, by the thousand.
  const { parent, root, group, then } = value
  let known = ORDINARY
  if (isText(parent, ID)) known++
  if (isText(root, ID)) known++
  if (isMembership(group)) known++
  if (Array.isArray(then) && then.every(isOrdinaryLink)) known++
  return fields === known
}

/** Most links have these and no other field. */
function isOrdinaryLink(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  for (const key in value)
    if (!(key === "task" || key === "queue" || key === "priority" || key === "input" || key === "group"))
      return false
  const { task, queue, priority, group } = value as TaskLink
  return (
    isText(task, NAME) &&
    (queue === undefined || isText(queue, NAME)) &&
    (priority === undefined || (isWhole(priority) && priority <= 9)) &&
    (group === undefined || isMembership(group))
  )
}

function isMembership(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  for (const key in value) if (key !== "group" && key !== "index") return false
  const { group, index } = value as Membership
  return isText(group, ID) && isWhole(index)
}

const isText = (value: unknown, shape: RegExp) => typeof value === "string" && shape.test(value)
const isWhole = (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= 0

function isTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  for (const key in value) if (typeof (value as Record<string, unknown>)[key] !== "string") return false
  return true
}

/** The envelope as it is stored. */
export const encodeEnvelope = (envelope: Envelope): string => JSON.stringify(envelope)

/**
 * The inverse of {@link encodeEnvelope}. Throws `malformed_envelope` for text that is none. `then` is the rest of its
 * chain for a text that is without it: links that were checked and frozen before.
 */
export function decodeEnvelope(text: string, then?: readonly Link[]): Envelope {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new StemError("invalid", "malformed_envelope", `malformed envelope: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (!then) return takeEnvelope(value)
  if (!isOrdinary(value)) return Object.freeze({ ...parseEnvelope(value), then })
  // Its links are not looked at again: this is done for each link of a chain.
  for (const part of [value.input, value.headers, value.group]) deepFreeze(part)
  return Object.freeze(Object.assign(value, { then }))
}
