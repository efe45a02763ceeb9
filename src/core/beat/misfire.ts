import type { Millis } from "../kit/clock.ts"
import type { MisfirePolicy } from "../task/schedule.ts"
import type { Calendar } from "./calendar.ts"

/**
 * An instant not older than this is late, not missed: it fires whatever the policy says, so that a Beat that is
 * restarted, or was busy, drops nothing.
 */
export const LATE_MS: Millis = 60_000

/**
 * A clock put back by up to this is waited for, so that nothing is due twice; by more, it was wrong before, and the new
 * time counts at once. Vixie cron's three hours, cron(8).
 */
export const WAITED_FOR_MS: Millis = 3 * 3_600_000

/** Where a schedule stands: what the store keeps of it. */
export interface Standing {
  /** The instant that fires next, as it was found when the one before fired. */
  readonly nextNominal: Millis
  /** The latest instant that fired or was passed over. */
  readonly lastNominal?: Millis | undefined
  readonly misfire: MisfirePolicy
}

/** Instants that do not fire, from the first to the last of them. */
export interface Passed {
  readonly from: Millis
  readonly to: Millis
  /** How many; left out where they were too many to be counted. */
  readonly count?: number | undefined
  /** The policy skips them; a later one stands for them; more than `max` were missed; older than the window. */
  readonly reason: "policy" | "superseded" | "over-max" | "too-old"
}

/** What is to be done now. Nothing of it depends on who asks, so any number of Beats decides the same. */
export interface Plan {
  /** Nominal instants to fire now, in order. */
  readonly fire: readonly Millis[]
  readonly passed: readonly Passed[]
  /** The next nominal instant; undefined: never again. */
  readonly nextNominal: Millis | undefined
  /** The clock was put back behind the latest instant: `waiting` until it has caught up, or `corrected` for good. */
  readonly clock?: "waiting" | "corrected" | undefined
}

const COUNTED = 10_000

/**
 * Decides about all instants from `nextNominal` to `now`. Those of the last minute fire. Of older ones those within
 * the window are for the policy: `skip` none, `last` the latest (unless one of the last minute fires anyway and stands
 * for it), `all` the newest `max`. The rest is passed over, and never comes back.
 *
 * An instant is one fact: a store refuses to fire it twice, so it is safe that after a correction of the clock instants
 * come up again that may have fired while it was wrong.
 */
export function planFirings(calendar: Calendar, standing: Standing, now: Millis): Plan {
  const { nextNominal, lastNominal = Number.NEGATIVE_INFINITY } = standing
  const ahead = lastNominal - now
  if (ahead > 0 && ahead <= WAITED_FOR_MS) return { fire: [], passed: [], nextNominal, clock: "waiting" }
  if (now < nextNominal) {
    // What was found at a later time than now was found by a clock that was wrong.
    const found = calendar.next(now)
    if (ahead <= 0 && (found === undefined || found >= nextNominal))
      return { fire: [], passed: [], nextNominal }
    return { fire: [], passed: [], nextNominal: found, clock: "corrected" }
  }
  return { ...decide(calendar, standing, now), nextNominal: calendar.next(now) }
}

function decide(calendar: Calendar, { nextNominal: first, misfire }: Standing, now: Millis) {
  const late = Math.max(first - 1, now - LATE_MS - 1)
  const window = Math.max(first - 1, Math.min(late, now - misfire.windowMs - 1))
  const fresh = calendar.between(late, now, Number.POSITIVE_INFINITY)
  const stands = misfire.policy === "last" && fresh.length > 0
  const most = misfire.policy === "all" ? misfire.max : misfire.policy === "last" && !stands ? 1 : 0
  const missed = newest(calendar, window, late, most)
  const reason = { skip: "policy", last: "superseded", all: "over-max" } as const
  const passed = [
    ...passedOver(calendar, first - 1, window, "too-old"),
    ...passedOver(calendar, window, (missed[0] ?? late + 1) - 1, reason[misfire.policy]),
  ]
  return { fire: [...missed, ...fresh], passed }
}

/** The latest `most` instants after `from`, up to `to`: looked for from the end, in steps that double. */
function newest(calendar: Calendar, from: Millis, to: Millis, most: number): readonly Millis[] {
  if (most === 0 || to <= from) return []
  for (let span = 1000; ; span *= 2) {
    const start = Math.max(from, to - span)
    const found = calendar.between(start, to, Number.POSITIVE_INFINITY)
    if (found.length >= most || start === from) return found.slice(-most)
  }
}

function passedOver(
  calendar: Calendar,
  from: Millis,
  to: Millis,
  reason: Passed["reason"],
): readonly Passed[] {
  if (to <= from) return []
  const some = calendar.between(from, to, COUNTED)
  const [first] = some
  if (first === undefined) return []
  const counted = some.length < COUNTED
  const [last = first] = counted ? some.slice(-1) : newest(calendar, from, to, 1)
  return [{ from: first, to: last, ...(counted && { count: some.length }), reason }]
}
