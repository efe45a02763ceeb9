import type { Millis } from "../kit/clock.ts"

/** Between which bounds, and how patiently, a worker changes how many tasks it runs at once. */
export interface AutoscalePolicy {
  readonly min: number
  readonly max: number
  /** So many more in one step. */
  readonly up: number
  /** So many fewer in one step. */
  readonly down: number
  /** Nothing is changed for so long after a change; and so long must slots stand idle before there are fewer. */
  readonly cooldownMs: Millis
  /** Tasks are not to wait longer than this. */
  readonly waitMs: Millis
}

/** What was seen since the last look. */
export interface Load {
  /** Tasks at once, now. */
  readonly concurrency: number
  /** The most that ran at once. */
  readonly peak: number
  /** Tasks of its queues that could be taken. */
  readonly ready: number
  /** How long the oldest of them has been waiting; 0 where there is none. */
  readonly oldestWaitMs: Millis
  /** How long those that were taken had waited, on average; 0 where none was. */
  readonly tookWaitMs: Millis
  /** Workers that could run more of them too, this one not counted. */
  readonly others: number
}

/**
 * What is this worker's to take of what waits, where others could take it too: all together grow by no more than that,
 * and one each. Never nothing of something, for who else should take it may be unable to.
 */
export const shareOf = ({ ready, others }: Pick<Load, "ready" | "others">): number =>
  Math.ceil(ready / (others + 1))

/** What is remembered from one look to the next. */
export interface AutoscaleState {
  /** By the monotonic clock. */
  readonly changedAt: Millis
  /** Since when nothing has been waiting. */
  readonly quietAt: Millis
  /** The most that ran at once since then. */
  readonly quietPeak: number
}

/** What to do, and why in words for people; `to` is absent where everything stays as it is. */
export interface AutoscaleDecision {
  readonly state: AutoscaleState
  readonly to?: number
  readonly reason?: string
}

/** Before the first look. */
export const firstAutoscaleState = (now: Millis): AutoscaleState => ({
  changedAt: Number.NEGATIVE_INFINITY,
  quietAt: now,
  quietPeak: 0,
})

/**
 * More at once when all slots were in use, tasks wait, and either a whole round of them does or they wait too long; of
 * several workers each counts its share of them alone.
 * Fewer when for the length of the cooldown nothing waited and slots stood idle. Never outside of the bounds, never more
 * than a step, and never twice within the cooldown, except to come back into the bounds.
 */
export function autoscale(
  policy: AutoscalePolicy,
  before: AutoscaleState,
  load: Load,
  now: Millis,
): AutoscaleDecision {
  const { min, max } = policy
  const { concurrency, peak, ready } = load
  const state =
    ready > 0
      ? { ...before, quietAt: now, quietPeak: peak }
      : { ...before, quietPeak: Math.max(before.quietPeak, peak) }
  const change = (to: number, reason: string): AutoscaleDecision => ({
    state: { changedAt: now, quietAt: now, quietPeak: 0 },
    to,
    reason,
  })

  if (concurrency < min) return change(min, `the least is ${min}`)
  if (concurrency > max) return change(max, `the most is ${max}`)
  if (now - state.changedAt < policy.cooldownMs) return { state }
  const pressing = concurrency < max && peak >= concurrency ? pressureOf(policy, load) : undefined
  const step = load.others === 0 ? policy.up : Math.min(policy.up, shareOf(load))
  if (pressing) return change(Math.min(max, concurrency + step), pressing)
  if (now - state.quietAt < policy.cooldownMs) return { state }
  const enough = Math.max(min, concurrency - policy.down, state.quietPeak)
  if (enough < concurrency)
    return change(enough, `nothing waited, and at most ${state.quietPeak} of ${concurrency} ran at once`)
  return { state: { ...state, quietAt: now, quietPeak: 0 } }
}

/** Why more should run at once; undefined when there is no need. */
function pressureOf({ waitMs }: AutoscalePolicy, load: Load): string | undefined {
  const { ready, concurrency, oldestWaitMs, tookWaitMs, others } = load
  const share = shareOf(load)
  if (share === 0) return undefined
  const among = others === 0 ? "" : `, shared by ${others + 1} workers`
  if (share >= concurrency)
    return `${counted(ready, "task")} waiting for ${counted(concurrency, "slot")}${among}`
  if (oldestWaitMs >= waitMs) return `the oldest task has been waiting for ${Math.round(oldestWaitMs)} ms`
  if (tookWaitMs >= waitMs) return `tasks had to wait for ${Math.round(tookWaitMs)} ms`
  return undefined
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`
