import type { Millis } from "../kit/clock.ts"

/** A bound on the tasks of one key: how often they start, or how many run at once, across all workers. */
export type Limit =
  | { readonly key: string; readonly bucket: Bucket }
  | { readonly key: string; readonly most: number }

/** A token every so often; so many at most are saved up while nobody asks. */
export interface Bucket {
  readonly everyMs: Millis
  readonly burst: number
}

/** Given away so long before its time, so that many tasks that start in one moment take one call to the store. */
export const LEAD: Millis = 50
/** A token that was not asked for in its time is kept for so long, at most for half an interval, that a worker's lateness costs none. */
export const LATE: Millis = 50
/** No instant is promised farther ahead, for a limit may be changed meanwhile: then the line begins again in front. */
export const AHEAD: Millis = 3_600_000
/** A bucket that nobody asked for so long has no line any more, whatever was promised. */
export const IDLE: Millis = 2000
/** A task that waits for a slot looks by itself after so long, should a hint be lost. */
export const LOOK: Millis = 5000
/** The one behind it looks so much later. */
export const LOOK_APART: Millis = 1000
/** A slot that was handed to a waiting task is held for it for so long. */
export const HANDED: Millis = 5000
/** Who is in a line for so long after it should have looked by itself is there no more. */
export const FORGOTTEN: Millis = 3_600_000

/** What is kept of a bucket. */
export interface BucketState {
  /** When its next token comes; in the past, tokens are saved up. */
  readonly next: Millis
  /** Which instant is promised next. */
  readonly line: Millis
  /** When it is as if it had never been: full, and nobody in line. */
  readonly over: Millis
}

/** The books of a store, as taking needs them; each change is seen by the next question. */
export interface LimitBooks {
  bucket(key: string): BucketState | undefined
  setBucket(key: string, state: BucketState): void
  /** Whether this task has a slot of the key, be it one that was handed to it. */
  holds(key: string, id: string): boolean
  /** Slots that are taken now. */
  taken(key: string): number
  /** Tasks that wait for one. */
  waiting(key: string): number
  takeSlot(key: string, id: string, token: number, until: Millis): void
}

/** What one task asks for. */
export interface LimitAsk {
  readonly id: string
  /** Of its lease: who has a slot by an older one has lost it. */
  readonly token: number
  readonly limits: readonly Limit[]
}

/** Either everything that was asked for, or nothing of it. */
export type Grant =
  | {
      readonly kind: "granted"
      /** Not to start before, which is at most a moment away. */
      readonly at: Millis
    }
  | {
      readonly kind: "refused"
      /** When to ask again: a hint that spaces those who wait, never a token. */
      readonly retryAt: Millis
      readonly on: string
      /** All slots are taken: it may be woken when one is free. */
      readonly full: boolean
    }
  /** It could have been granted, but as many as there is room for were; it has taken nothing. */
  | { readonly kind: "later" }

/** How long it takes to fill. */
const spanOf = ({ everyMs, burst }: Bucket): Millis => (burst - 1) * everyMs + Math.min(everyMs / 2, LATE)

const idleOf = ({ everyMs }: Bucket): Millis => Math.max(2 * everyMs, IDLE)

const tokenAt = (state: BucketState | undefined, bucket: Bucket, now: Millis): Millis =>
  Math.max(state?.next ?? 0, now - spanOf(bucket))

/** What is asked for in one call, and how far it has come. */
export interface Taking {
  readonly now: Millis
  readonly leaseMs: Millis
  /** How many more may be granted. */
  room: number
  /** By key, how many were refused a slot: so that they do not all look again at once. */
  readonly refused: Map<string, number>
}

/** The rule of all stores, for one ask after the other. */
export function takeLimits(books: LimitBooks, { id, token, limits }: LimitAsk, taking: Taking): Grant {
  const { now, leaseMs, refused } = taking
  for (const limit of limits) {
    if (!("most" in limit) || books.holds(limit.key, id) || books.taken(limit.key) < limit.most) continue
    const before = refused.get(limit.key) ?? 0
    refused.set(limit.key, before + 1)
    const apart = ((books.waiting(limit.key) + before) * LOOK_APART) % AHEAD
    return { kind: "refused", retryAt: now + LOOK + apart, on: limit.key, full: true }
  }
  let at = now
  let last: { key: string; bucket: Bucket } | undefined
  for (const limit of limits) {
    if (!("bucket" in limit)) continue
    const token = tokenAt(books.bucket(limit.key), limit.bucket, now)
    if (token <= at) continue
    at = token
    last = limit
  }
  if (last && at > now + LEAD)
    return { kind: "refused", retryAt: promise(books, last, at, now), on: last.key, full: false }
  if (taking.room < 1) return { kind: "later" }
  taking.room -= 1
  for (const limit of limits) {
    if ("most" in limit) books.takeSlot(limit.key, id, token, now + leaseMs)
    else grant(books, limit, now)
  }
  return { kind: "granted", at: Math.ceil(at) }
}

function promise(
  books: LimitBooks,
  { key, bucket }: { key: string; bucket: Bucket },
  at: Millis,
  now: Millis,
): Millis {
  const { next = 0, line = 0, over = 0 } = books.bucket(key) ?? {}
  const promised = line > at && line <= now + AHEAD ? line : at
  books.setBucket(key, { next, line: promised + bucket.everyMs, over })
  return Math.ceil(promised)
}

function grant(books: LimitBooks, { key, bucket }: { key: string; bucket: Bucket }, now: Millis): void {
  const state = books.bucket(key)
  const next = tokenAt(state, bucket, now) + bucket.everyMs
  books.setBucket(key, {
    next,
    line: state && state.next >= now - idleOf(bucket) ? state.line : 0,
    over: next + Math.max(spanOf(bucket), idleOf(bucket)),
  })
}
