/**
 * The second opinion on cron and time zones: deliberately naive, it walks an expression's instants one by one over
 * what Intl.DateTimeFormat shows, and shares no code with src. Fields are given as lists, so there is no parser either.
 */
export interface NaiveCron {
  readonly follows: boolean
  readonly matches: (shown: Shown) => boolean
}

/** What the clock on the wall shows. */
export interface Shown {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

export function shownAt(zone: string, at: number): Shown {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      weekday: "short",
    })
    formats.set(zone, format)
  }
  // "Sun, 29/03/2026, 01:30:00"
  const text = format.format(at)
  const [day, month, year, hour, minute, second] = (text.match(/\d+/g) ?? []).map(Number) as number[]
  const weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"].indexOf(text.slice(0, 3))
  return { year, month, day, hour, minute, second, weekday } as Shown
}

const serial = ({ year, month, day, hour, minute, second }: Shown) =>
  Date.UTC(year, month - 1, day, hour, minute, second)

/** The wall's time as a number that grows by one step a step, unless the zone jumps. */
export const wallAt = (zone: string, at: number): number => serial(shownAt(zone, at))

/** As `shownAt` of a zone that is ahead of nothing: the fields of a wall time. */
const fieldsOf = (wall: number): Shown => {
  const date = new Date(wall)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  }
}

/** One look at the clock. */
export interface Step {
  readonly at: number
  readonly shown: Shown
  readonly wall: number
}

/** Looks at the clock of a zone every `stepMs` from `from` to `to`. */
export function walk(zone: string, from: number, to: number, stepMs: number): readonly Step[] {
  const steps: Step[] = []
  for (let at = Math.floor(from / stepMs) * stepMs; at <= to; at += stepMs) {
    const shown = shownAt(zone, at)
    steps.push({ at, shown, wall: serial(shown) })
  }
  return steps
}

/**
 * The instants of a walk, after `from`, at which an expression is due. The walk begins well before `from`, so that
 * times seen before are known.
 */
export function naiveInstants(
  steps: readonly Step[],
  cron: NaiveCron,
  dst: { gap: "run" | "skip"; overlap: "once" | "twice" },
  from: number,
): number[] {
  const due: number[] = []
  const seen = new Set<number>()
  const stepMs = (steps[1] as Step).at - (steps[0] as Step).at
  let before = (steps[0] as Step).wall
  for (const { at, shown, wall } of steps) {
    let is = cron.matches(shown) && (cron.follows || dst.overlap === "twice" || !seen.has(wall))
    if (!cron.follows && dst.gap === "run")
      for (let missing = before + stepMs; missing < wall; missing += stepMs)
        is ||= cron.matches(fieldsOf(missing))
    if (is && at > from) due.push(at)
    seen.add(wall)
    before = wall
  }
  return due
}

/** Every instant in a span at which a zone's clock jumps, to the minute: it looks at days, then hours, then minutes. */
export function jumps(
  zone: string,
  from: number,
  to: number,
  sizes = [86_400_000, 3_600_000, 60_000],
): number[] {
  const [size = 0, ...finer] = sizes
  const found: number[] = []
  let wall = wallAt(zone, from)
  for (let at = from; at < to; at += size) {
    const next = wallAt(zone, at + size)
    if (next - wall !== size) found.push(...(finer.length ? jumps(zone, at, at + size, finer) : [at + size]))
    wall = next
  }
  return found
}
