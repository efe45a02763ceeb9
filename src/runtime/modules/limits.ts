import * as v from "valibot"
import type { LimitKeys } from "../../core/contracts/isolates.ts"
import { messageOf } from "../../core/kit/errors.ts"
import { parseRate } from "../../core/kit/rate.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { Bucket } from "../../core/task/limit.ts"
import type { LimitSpec } from "../../core/task/limit-spec.ts"

/** A key of a limit as code. */
export type LimitKeyFunction = (input: unknown) => unknown

const PATH = /^[^\s.]+(\.[^\s.]+)*$/
const KEY = "must be a function of the input, or a path in it such as tenant or user.id"
const Key = v.union(
  [
    v.pipe(v.string(), v.regex(PATH, KEY)),
    v.custom<LimitKeyFunction>((value) => typeof value === "function"),
  ],
  KEY,
)
const whole = (message: string) => v.pipe(v.number(message), v.integer(message), v.minValue(1, message))

const Rate = v.pipe(
  v.string("must be a rate such as 100/m, or { limit, burst, key }"),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseRate(dataset.value)
    } catch (error) {
      addIssue({ message: messageOf(error) })
      return NEVER
    }
  }),
)

const OneRate = v.pipe(
  v.lazy((value) =>
    typeof value === "object" && value !== null
      ? v.strictObject({
          limit: Rate,
          burst: v.optional(whole("must be a whole number from 1 on")),
          key: v.optional(Key),
        })
      : v.pipe(
          Rate,
          v.transform((limit) => ({ limit, burst: undefined, key: undefined })),
        ),
  ),
  v.transform(({ limit, burst = 1, key }) => ({
    bucket: { everyMs: limit.perMs / limit.count, burst } satisfies Bucket,
    key,
  })),
)

const OneConcurrency = v.pipe(
  v.lazy((value) =>
    typeof value === "object" && value !== null
      ? v.strictObject({ max: whole("must be a whole number from 1 on"), key: v.optional(Key) })
      : v.pipe(
          whole("must be a whole number from 1 on, or { max, key }"),
          v.transform((max) => ({ max, key: undefined })),
        ),
  ),
  v.transform(({ max, key }) => ({ most: max, key })),
)

const listOf = <S extends v.GenericSchema<unknown, unknown>>(one: S) =>
  v.lazy(
    (value): v.GenericSchema<unknown, v.InferOutput<S>[]> =>
      Array.isArray(value)
        ? (v.array(one) as v.GenericSchema<unknown, v.InferOutput<S>[]>)
        : (v.pipe(
            one,
            v.transform((output) => [output]),
          ) as v.GenericSchema<unknown, v.InferOutput<S>[]>),
  )

/** The option `rateLimit` of a definition. */
export const RateLimit = listOf(OneRate)
/** The option `concurrency` of a definition. */
export const Concurrency = listOf(OneConcurrency)

/**
 * The limits of a definition: what is known everywhere, and the functions that only its own process has. Slots are
 * asked for in this order, those of a key first: who waits for its own key stands in nobody else's line.
 */
export function limitSpecs(
  rates: v.InferOutput<typeof RateLimit>,
  concurrencies: v.InferOutput<typeof Concurrency>,
): { limits: LimitSpec[]; limitKeys: LimitKeyFunction[] } {
  const limitKeys: LimitKeyFunction[] = []
  const narrow = concurrencies.filter(({ key }) => key !== undefined)
  const wide = concurrencies.filter(({ key }) => key === undefined)
  const limits = [...narrow, ...wide, ...rates].map(({ key, ...limit }): LimitSpec => {
    if (key === undefined) return limit
    if (typeof key === "string") return { ...limit, by: { path: key } }
    return { ...limit, by: { code: limitKeys.push(key) - 1 } }
  })
  return { limits, limitKeys }
}

/** The keys that a task's functions make of an input; as a failure when one of them throws, or makes no key. */
export async function makeKeys(
  task: { readonly limitKeys?: readonly LimitKeyFunction[] | undefined } | undefined,
  input: unknown,
): Promise<LimitKeys> {
  try {
    const made = await Promise.all((task?.limitKeys ?? []).map((make) => make(input)))
    return { keys: made.map(textOf) }
  } catch (error) {
    const { message, ...rest } = toFailure(error)
    return { error: { ...rest, message: `the key of a limit can not be made: ${message}` } }
  }
}

function textOf(key: unknown): string {
  if (typeof key === "string" || typeof key === "number" || typeof key === "boolean") return String(key)
  throw Object.assign(new TypeError("the function answered neither text nor a number"), {
    code: "invalid_limit_key",
  })
}
