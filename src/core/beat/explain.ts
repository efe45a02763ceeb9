import type { Millis } from "../kit/clock.ts"
import { type Transition, transitionsBetween, type Wall } from "../kit/zone.ts"
import { type Timetable, wallRuleOf } from "./calendar.ts"
import type { WallRule } from "./wall-clock.ts"

/** Something unusual that a change of the zone's clock does to a schedule. */
export interface Oddity {
  /** When the clock changes. */
  readonly at: Millis
  /**
   * `skipped`: times that are left out and do not fire. `moved`: they fire at the end of the gap instead. `doubled`:
   * times that come twice and fire twice. `once`: they come twice and fire the first time.
   */
  readonly kind: "skipped" | "moved" | "doubled" | "once"
  /** How many of the schedule's times it concerns; at most {@link MOST_TIMES}. */
  readonly times: number
  /** A sentence for people. */
  readonly words: string
}

/** Times of one change are counted up to this. */
export const MOST_TIMES = 1000

/** Every oddity after `from`, up to and including `to`. Schedules that name no times on the wall have none. */
export function oddities(timetable: Timetable, from: Millis, to: Millis): readonly Oddity[] {
  const rule = wallRuleOf(timetable)
  if (!rule) return []
  const { startAt = from, endAt = to + 1 } = timetable
  return transitionsBetween(timetable.timezone, Math.max(from, startAt), Math.min(to, endAt - 1)).flatMap(
    (change) => oddityAt(rule, timetable, change) ?? [],
  )
}

function oddityAt(rule: WallRule, { dst, timezone }: Timetable, change: Transition): Oddity | undefined {
  const { at, before, after } = change
  const gap = after > before
  const walls = wallsBetween(rule, at + Math.min(before, after), at + Math.max(before, after))
  if (walls.length === 0) return undefined
  const kind = kindOf(gap, rule.follows, dst)
  const clocks = `On ${dayOf(at + before)} clocks in ${timezone} go ${gap ? "forward" : "back"} from ${timeOf(at + before)} to ${timeOf(at + after)}`
  return {
    at,
    kind,
    times: walls.length,
    words: `${clocks}: ${fateOf(kind, walls, at + after, rule.follows)}.`,
  }
}

function kindOf(gap: boolean, follows: boolean, dst: Timetable["dst"]): Oddity["kind"] {
  if (gap) return follows || dst.gap === "skip" ? "skipped" : "moved"
  return follows || dst.overlap === "twice" ? "doubled" : "once"
}

function fateOf(kind: Oddity["kind"], walls: readonly Wall[], later: Wall, follows: boolean): string {
  const some = `${walls.slice(0, 3).map(timeOf).join(", ")}${walls.length > 3 ? ` … ${timeOf(walls.at(-1) as Wall)}` : ""}`
  const one = walls.length === 1
  const why = follows ? ", for the entry follows the clock" : ""
  switch (kind) {
    case "skipped":
      return `${some} ${one ? "does" : "do"} not exist and ${one ? "is" : "are"} skipped${why}`
    case "moved":
      return `${some} ${one ? "does" : "do"} not exist; it fires once at ${timeOf(later)} instead`
    case "doubled":
      return `${some} ${one ? "comes" : "come"} twice and ${one ? "fires" : "fire"} twice${why}`
    case "once":
      return `${some} ${one ? "comes" : "come"} twice; the first time fires, the second does not`
  }
}

function wallsBetween(rule: WallRule, from: Wall, to: Wall): readonly Wall[] {
  const walls: Wall[] = []
  let wall = rule.atOrAfter(from)
  while (wall !== undefined && wall < to && walls.length < MOST_TIMES) {
    walls.push(wall)
    wall = rule.atOrAfter(wall + 1)
  }
  return walls
}

const dayOf = (wall: Wall) => new Date(wall).toISOString().slice(0, 10)
const timeOf = (wall: Wall) => new Date(wall).toISOString().slice(11, 19).replace(/:00$/, "")
