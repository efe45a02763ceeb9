import * as v from "valibot"

/** How long to wait before the next attempt. Jitter takes off up to this share of the delay, evenly spread. */
export const Backoff = v.variant("kind", [
  v.looseObject({
    kind: v.literal("exponential"),
    baseMs: v.pipe(v.number(), v.minValue(0)),
    maxMs: v.pipe(v.number(), v.minValue(0)),
    jitter: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
  v.looseObject({
    kind: v.literal("linear"),
    baseMs: v.pipe(v.number(), v.minValue(0)),
    maxMs: v.pipe(v.number(), v.minValue(0)),
    jitter: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
  v.looseObject({ kind: v.literal("fixed"), baseMs: v.pipe(v.number(), v.minValue(0)) }),
])
export type Backoff = v.InferOutput<typeof Backoff>

/**
 * `max` retries after the first attempt. `only` and `never` hold names of error classes or error codes: with
 * `only`, errors outside it are final at once; those in `never` always are.
 */
export const RetryPolicy = v.looseObject({
  max: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)),
  backoff: Backoff,
  only: v.optional(v.array(v.string())),
  never: v.optional(v.array(v.string())),
})
export type RetryPolicy = v.InferOutput<typeof RetryPolicy>

/** Three retries after about 1, 2 and 4 seconds; never more than five minutes between two. */
export const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  max: 3,
  backoff: Object.freeze({ kind: "exponential", baseMs: 1000, maxMs: 300_000, jitter: 0.25 }),
})
