import { fingerprint } from "../kit/fingerprint.ts"
import type { TaskSpec } from "../task/define.ts"
import type { Envelope } from "../task/envelope.ts"
import type { Limit } from "../task/limit.ts"
import type { LimitSpec, QueueLimits } from "../task/limit-spec.ts"
import type { Origin } from "./routing.ts"

/** The limits of one queue, and where they are said. */
export interface QueueRule {
  readonly queue: string
  readonly limits: QueueLimits
  readonly from: Origin
  /** As they are written. */
  readonly shown: Readonly<Record<string, unknown>>
}

/** A key that is longer is told by its beginning and a fingerprint. */
const LONGEST = 200

/**
 * The limits that hold for one task: those of its definition, then those of its queue. `made` are the keys that its
 * functions made. Tasks without a value for a key share one, so that a missing value is no way around a limit.
 */
export function limitsOf(
  { task, queue, input }: Envelope,
  spec: TaskSpec | undefined,
  queueLimits: ReadonlyMap<string, QueueLimits>,
  made: readonly string[],
): readonly Limit[] {
  const own = (spec?.limits ?? []).map((limit, at) => ({
    key: `task:${task}${at === 0 ? "" : `:${at}`}${keyOf(limit, input, made)}`,
    ...("bucket" in limit ? { bucket: limit.bucket } : { most: limit.most }),
  }))
  const { bucket, most } = queueLimits.get(queue) ?? {}
  const key = `queue:${queue}`
  return [...own, ...(bucket ? [{ key, bucket }] : []), ...(most === undefined ? [] : [{ key, most }])]
}

/** Whether any limit holds for it; asked for every task. */
export const isLimited = (
  { queue }: Envelope,
  spec: TaskSpec | undefined,
  queueLimits: ReadonlyMap<string, QueueLimits>,
): boolean => spec?.limits !== undefined || (queueLimits.size > 0 && queueLimits.has(queue))

function keyOf({ by }: LimitSpec, input: unknown, made: readonly string[]): string {
  if (!by) return ""
  return `/${shortened("code" in by ? (made[by.code] ?? "") : textOf(valueAt(input, by.path)))}`
}

function valueAt(input: unknown, path: string): unknown {
  let value = input
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value)

/** Without the characters that stores use to part texts. */
const shortened = (key: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
  const plain = key.replace(/[\u0000-\u001f]/g, " ").toWellFormed()
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST)}~${fingerprint(plain)}`
}
