import type { Bucket } from "./limit.ts"

/**
 * What the tasks of one key share: the value at a path in the input (`tenant`, `user.id`), or what a function makes
 * of the input as it was sent. The function runs where the handler runs, never in the worker itself.
 */
export type LimitKey<I> = string | ((input: I) => string | number | boolean)

/** How often tasks start across all workers: `"100/m"`, or with a burst, or for each key of its own. */
export type RateLimitOption<I> = string | { limit: string; burst?: number; key?: LimitKey<I> }

/** How many run at once across all workers, or for each key of its own. */
export type ConcurrencyOption<I> = number | { max: number; key?: LimitKey<I> }

/** A limit as the supervisor knows it. */
export type LimitSpec = ({ readonly bucket: Bucket } | { readonly most: number }) & {
  /** Absent: all tasks share it. A function is told by its place among the functions of its task. */
  readonly by?: { readonly path: string } | { readonly code: number } | undefined
}

/** The limits of one queue, from stem.toml. */
export interface QueueLimits {
  readonly bucket?: Bucket | undefined
  readonly most?: number | undefined
}

/** Whether a key of one of these limits is made by a function. */
export const needsCode = (
  spec: { readonly limits?: readonly LimitSpec[] | undefined } | undefined,
): boolean => spec?.limits?.some(({ by }) => by !== undefined && "code" in by) ?? false
