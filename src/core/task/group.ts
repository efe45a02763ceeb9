import type { Millis } from "../kit/clock.ts"
import type { Envelope, TaskId } from "./envelope.ts"
import type { Failure } from "./failure.ts"
import type { Membership } from "./membership.ts"

/**
 * A group as it is opened. What is sent at its end is written down here, so that nobody has to be alive then: `body`
 * once, when every member has arrived and no more than `tolerate` of them failed; `broken` once, at the first failure
 * beyond that.
 */
export interface Group {
  readonly v: 1
  readonly id: string
  readonly size: number
  /** How many members may fail. Default: none. */
  readonly tolerate?: number | undefined
  readonly body?: Envelope | undefined
  readonly broken?: readonly Envelope[] | undefined
  readonly openedAt: Millis
}

/** What one member came to. */
export interface Arrival extends Membership {
  /** The task that ended: the last link of the member's chain, or the one that failed. */
  readonly id: TaskId
  readonly ok: boolean
  readonly result?: unknown
  /** Why it failed, was cancelled or expired. */
  readonly error?: Pick<Failure, "name" | "message" | "code"> | undefined
}

/** `open`: members are still to come. `broken`: too many failed. `complete`: all are there, and the body was sent. */
export type GroupState = "open" | "broken" | "complete"

/** What a store knows of a group. */
export interface GroupFacts extends Group {
  readonly state: GroupState
  readonly arrived: number
  /** Of those. */
  readonly failed: number
  /** When it was complete, or the first time broken. */
  readonly endedAt?: Millis | undefined
}

/** What becomes of a group of which so many have arrived. Every store decides by this rule. */
export function groupStateOf(
  { size, tolerate = 0 }: Pick<Group, "size" | "tolerate">,
  arrived: number,
  failed: number,
): GroupState {
  if (failed > tolerate) return "broken"
  return arrived < size ? "open" : "complete"
}

/** The place in a group that a task's end decides about: its own, or that of the last link after it. */
export function membershipOf(of: Pick<Envelope, "then" | "group">): Membership | undefined {
  const last = of.then?.at(-1)
  return last ? membershipOf(last) : of.group
}

/** The same for a stored text that is no envelope, if the place can still be seen in it. Throws nothing. */
export function placeIn(text: string): Membership | undefined {
  try {
    const { group, index } = membershipOf(JSON.parse(text) as Envelope) as Membership
    const isPlace = typeof group === "string" && Number.isInteger(index) && index >= 0
    return isPlace ? { group, index } : undefined
  } catch {
    return undefined
  }
}

/** That a task's part in its group is over without a success; undefined when it has none. */
export function absenceOf(envelope: Envelope, error: NonNullable<Arrival["error"]>): Arrival | undefined {
  const place = membershipOf(envelope)
  if (!place) return undefined
  const { name, message, code } = error
  return {
    ...place,
    id: envelope.id,
    ok: false,
    error: { name, message, ...(code !== undefined && { code }) },
  }
}

/** What a store says of a member that it ended by itself, on a cancel or a purge. */
export const CANCELLED_MEMBER = Object.freeze({
  name: "Cancelled",
  message: "it was cancelled",
  code: "cancelled",
})

/** The task with no place in any group: what a dead letter is replayed as, unless it is to rejoin. */
export function aloneOf<T extends Pick<Envelope, "then" | "group">>(of: T): T {
  const last = of.then?.at(-1)
  if (last) return { ...of, then: [...(of.then ?? []).slice(0, -1), aloneOf(last)] }
  const { group: _, ...alone } = of
  return alone as T
}
