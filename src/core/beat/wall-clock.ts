import type { Millis } from "../kit/clock.ts"
import { type Stretch, stretchAt, type Wall } from "../kit/zone.ts"
import type { DstPolicy } from "../task/schedule.ts"

/** Times that are named by what the clock on the wall shows. */
export interface WallRule {
  /** The first of its wall times at or after `low`; undefined when there is none any more. */
  atOrAfter(low: Wall): Wall | undefined
  /** It means an interval (every hour, every ten minutes) rather than fixed times: it just follows the clock. */
  readonly follows: boolean
}

const DAY: Millis = 86_400_000

/**
 * The first instant strictly after `after` at which a wall rule is due in a zone.
 *
 * A rule that follows the clock is due whenever the clock shows one of its times: not at times that are left out, and
 * twice at those that come twice. Fixed times obey the policy. Gap `run`: all that is left out is due, together, at the
 * first instant after the gap, however long the gap is (Samoa once left out a whole day); `skip`: it is not due.
 * Overlap `once`: due only the first time; `twice`: both times.
 */
export function nextOnTheClock(
  rule: WallRule,
  zone: string,
  dst: DstPolicy,
  after: Millis,
): Millis | undefined {
  let stretch = stretchAt(zone, after + 1)
  for (;;) {
    const fixed = !rule.follows
    if (fixed && dst.gap === "run" && after < stretch.from && leavesOut(rule, stretch)) return stretch.from
    let low = Math.max(after + 1, stretch.from) + stretch.offset
    if (fixed && dst.overlap === "once") low = Math.max(low, stretch.from + stretch.before)
    const wall = rule.atOrAfter(low)
    if (wall !== undefined && wall < stretch.to + stretch.offset) return wall - stretch.offset
    // Clocks may be put back at the end of the stretch, so the last day's times may come again.
    const rest = rule.atOrAfter(stretch.to + stretch.offset - DAY)
    if (rest === undefined) return undefined
    stretch = stretchAt(zone, Math.max(stretch.to, rest - 3 * DAY))
  }
}

function leavesOut(rule: WallRule, { from, before, offset }: Stretch): boolean {
  if (offset <= before) return false
  const wall = rule.atOrAfter(from + before)
  return wall !== undefined && wall < from + offset
}
