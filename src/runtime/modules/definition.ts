import * as v from "valibot"
import { type Duration, parseDuration } from "../../core/kit/duration.ts"
import { messageOf } from "../../core/kit/errors.ts"
import type {
  BackoffFunction,
  BackoffOption,
  ErrorMatch,
  TaskDefinition,
  TaskSpec,
} from "../../core/task/define.ts"
import { Name } from "../../core/task/envelope.ts"
import { type Backoff, DEFAULT_RETRY, type RetryPolicy } from "../../core/task/retry.ts"
import type { StandardSchema } from "../../core/task/schema.ts"
import { isForestalled } from "../../core/task/time-limits.ts"
import { Concurrency, type LimitKeyFunction, limitSpecs, RateLimit } from "./limits.ts"

/** A task as it runs: what is known of it everywhere, and what only the process that loaded it has. */
export interface LoadedTask {
  readonly spec: TaskSpec
  readonly run: TaskDefinition["run"]
  readonly input?: StandardSchema | undefined
  readonly backoff?: BackoffFunction | undefined
  /** What its children of this name are enqueued with, unless they say it themselves. */
  readonly shape: Pick<TaskDefinition, "unique" | "fair">
  /** The functions that make keys of limits, by their places. */
  readonly limitKeys?: readonly LimitKeyFunction[] | undefined
}

const isFunction = (value: unknown): boolean => typeof value === "function"
const func = <T>(message: string) => v.custom<T>(isFunction, message)

const Length = v.pipe(
  v.union([v.number(), v.string()], "must be a duration: milliseconds, or text such as 30s"),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseDuration(dataset.value)
    } catch (error) {
      addIssue({ message: messageOf(error) })
      return NEVER
    }
  }),
)
const Limit = v.pipe(Length, v.minValue(1, "must be longer than nothing"))
const whole = (from: number, to: number) => {
  const message = `must be a whole number from ${from} to ${to}`
  return v.pipe(v.number(message), v.integer(message), v.minValue(from, message), v.maxValue(to, message))
}
const Jitter = v.pipe(v.number(), v.minValue(0, "must be 0 to 1"), v.maxValue(1, "must be 0 to 1"))
const ErrorMatches = v.array(
  v.union([v.string(), func<ErrorMatch>("")], "must be an error class, or the name or code of an error"),
  "must be a list",
)

const BackoffShape = v.union(
  [
    v.picklist(["exponential", "linear", "fixed"]),
    func<BackoffFunction>(""),
    v.strictObject({
      kind: v.picklist(["exponential", "linear"]),
      base: v.optional(Length),
      max: v.optional(Length),
      jitter: v.optional(Jitter),
    }),
    v.strictObject({ kind: v.literal("fixed"), base: v.optional(Length) }),
  ],
  "must be exponential, linear, fixed, { kind, base, max, jitter } or a function",
)

const isSchema = (value: unknown): boolean =>
  value !== null &&
  (typeof value === "object" || typeof value === "function") &&
  isFunction((value as { "~standard"?: { validate?: unknown } })["~standard"]?.validate)

const Definition = v.strictObject({
  name: v.optional(Name),
  description: v.optional(v.string("must be text")),
  input: v.optional(
    v.custom<StandardSchema>(isSchema, "must be a Standard Schema (valibot, zod, arktype …)"),
  ),
  queue: v.optional(Name),
  priority: v.optional(whole(0, 9)),
  retries: v.optional(whole(0, 1000)),
  backoff: v.optional(BackoffShape),
  retryOn: v.optional(ErrorMatches),
  neverRetryOn: v.optional(ErrorMatches),
  timeout: v.optional(Limit),
  softTimeout: v.optional(Limit),
  expires: v.optional(Limit),
  unique: v.optional(
    v.union(
      [
        v.boolean(),
        v.strictObject({
          key: v.optional(func<(input: unknown) => string>("")),
          mode: v.optional(v.picklist(["live", "window", "throttle", "debounce", "replace"])),
          for: v.optional(Limit),
        }),
      ],
      "must be true, or { key, mode, for }: a function of the input, a mode of docs/guarantees.md, a duration",
    ),
  ),
  fair: v.optional(func<NonNullable<TaskDefinition["fair"]>>("must be a function of the input")),
  rateLimit: v.optional(RateLimit),
  concurrency: v.optional(Concurrency),
  run: func<TaskDefinition["run"]>("must be a function"),
})

const OPTIONS = Object.keys(Definition.entries)

/** Either the task, or what is wrong with which option. */
export type Checked =
  | { readonly task: LoadedTask }
  | { readonly option: string; readonly message: string; readonly hint?: string }

/**
 * Checks every option of a definition and resolves it: lengths parsed, defaults filled in, error classes as
 * their names. An option nobody knows is refused, for it would do nothing.
 */
export function checkDefinition(name: string, definition: object, source: string): Checked {
  const parsed = v.safeParse(Definition, definition, { abortEarly: true })
  if (!parsed.success) {
    const issue = parsed.issues[0]
    const option = v.getDotPath(issue) ?? ""
    const unknown = issue.type === "strict_object" && !(option in Definition.entries)
    return unknown
      ? { option, message: "is no option of a task", hint: `The options are ${OPTIONS.join(", ")}.` }
      : { option, message: issue.message }
  }
  const given = parsed.output
  const named = v.safeParse(Name, name)
  if (!named.success) return { option: "name", message: `"${name}" ${named.issues[0].message}` }
  const { timeout, softTimeout, backoff } = given
  if (isForestalled(softTimeout, timeout))
    return {
      option: "softTimeout",
      message: "must not be longer than timeout, which would end the task first",
    }
  const { limits, limitKeys } = limitSpecs(given.rateLimit ?? [], given.concurrency ?? [])
  return {
    task: {
      spec: {
        name,
        queue: given.queue ?? "default",
        priority: given.priority ?? 5,
        retry: retryOf(given.retries, backoff, given.retryOn, given.neverRetryOn),
        timeLimits: {
          ...(softTimeout !== undefined && { softMs: softTimeout }),
          ...(timeout !== undefined && { hardMs: timeout }),
        },
        ...(given.description !== undefined && { description: given.description }),
        ...(given.expires !== undefined && { expiresInMs: given.expires }),
        ...(limits.length > 0 && { limits }),
        source,
      },
      // Called on the definition, so that a handler may use `this`.
      run: (input, ctx) => (definition as TaskDefinition).run(input, ctx),
      ...(given.input && { input: given.input }),
      shape: { ...(given.unique && { unique: given.unique }), ...(given.fair && { fair: given.fair }) },
      ...(typeof backoff === "function" && { backoff }),
      ...(limitKeys.length > 0 && { limitKeys }),
    },
  }
}

function retryOf(
  retries: number | undefined,
  backoff: BackoffOption | undefined,
  only: ErrorMatch[] | undefined,
  never: ErrorMatch[] | undefined,
): RetryPolicy {
  return {
    max: retries ?? DEFAULT_RETRY.max,
    backoff: backoffOf(backoff),
    ...(only && { only: only.map(nameOf) }),
    ...(never && { never: never.map(nameOf) }),
  }
}

const nameOf = (match: ErrorMatch): string => (typeof match === "string" ? match : match.name)

const BASE_MS = 1000
const MAX_MS = 300_000
const JITTER = 0.25

function backoffOf(option: BackoffOption | undefined): Backoff {
  if (option === undefined || typeof option === "function") return DEFAULT_RETRY.backoff
  const given: { kind: Backoff["kind"]; base?: Duration; max?: Duration; jitter?: number } =
    typeof option === "string" ? { kind: option } : option
  const baseMs = given.base === undefined ? BASE_MS : parseDuration(given.base)
  if (given.kind === "fixed") return { kind: "fixed", baseMs }
  const maxMs = given.max === undefined ? MAX_MS : parseDuration(given.max)
  return { kind: given.kind, baseMs, maxMs, jitter: given.jitter ?? JITTER }
}
