import type { Millis } from "./clock.ts"
import { invalid } from "./errors.ts"

/**
 * What a clock on the wall shows, as milliseconds: the instant plus the zone's offset, so that the UTC getters of a
 * Date give its fields.
 */
export type Wall = number

/** A stretch of time through which a zone keeps its offset. Long stretches come cut into pieces of some weeks. */
export interface Stretch {
  /** The first instant of it. */
  readonly from: Millis
  /** The first instant after it. */
  readonly to: Millis
  readonly offset: Millis
  /** The offset just before `from`; equal to `offset` where nothing changes. */
  readonly before: Millis
}

/** An instant at which a zone's offset changes. */
export interface Transition {
  readonly at: Millis
  readonly before: Millis
  readonly after: Millis
}

const DAY: Millis = 86_400_000
const PIECE: Millis = 64 * DAY

interface Zone {
  readonly format: Intl.DateTimeFormat
  readonly pieces: Map<number, readonly Stretch[]>
}

const zones = new Map<string, Zone | undefined>()

/** Whether the zone database that runs this has such a zone. Bare offsets such as `+02:00` are no zones. */
export const isZone = (name: string): boolean => opened(name) !== undefined

function opened(name: string): Zone | undefined {
  if (zones.has(name)) return zones.get(name)
  let zone: Zone | undefined
  try {
    if (/^[A-Za-z]/.test(name))
      zone = {
        format: new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" }),
        pieces: new Map(),
      }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  if (zones.size < 2000) zones.set(name, zone)
  return zone
}

function zoneOf(name: string): Zone {
  const zone = opened(name)
  if (zone) return zone
  throw invalid(
    "unknown_timezone",
    `"${name}" is not a time zone of the IANA database`,
    "Write it as Europe/Berlin, America/New_York or UTC.",
  )
}

/** How far the zone's clocks are ahead of UTC at an instant. Throws `unknown_timezone`. */
export const offsetAt = (zone: string, at: Millis): Millis => readOffset(zoneOf(zone), at)

/** `…, GMT`, `…, GMT+05:45` or `…, GMT-00:44:30`: the form `OOOO` of Unicode's TR 35. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

function readOffset({ format }: Zone, at: Millis): Millis {
  const [, sign, hours = 0, minutes = 0, seconds = 0] = OFFSET.exec(format.format(at)) ?? []
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === "-" ? -size : size
}

/** The stretch an instant lies in. Throws `unknown_timezone`. */
export function stretchAt(zone: string, at: Millis): Stretch {
  const pieces = piecesAt(zoneOf(zone), Math.floor(at / PIECE))
  return pieces.find(({ to }) => at < to) as Stretch
}

/**
 * Every change of the zone's offset after `from`, up to and including `to`. A change that is undone within a day
 * would not be seen; no zone has ever had one.
 */
export function transitionsBetween(zone: string, from: Millis, to: Millis): readonly Transition[] {
  const found: Transition[] = []
  for (let stretch = stretchAt(zone, from + 1); stretch.from <= to; stretch = stretchAt(zone, stretch.to)) {
    const { from: at, before, offset } = stretch
    if (before !== offset && at > from) found.push({ at, before, after: offset })
  }
  return found
}

function piecesAt(zone: Zone, index: number): readonly Stretch[] {
  const known = zone.pieces.get(index)
  if (known) return known
  const end = (index + 1) * PIECE
  const pieces: Stretch[] = []
  let from = index * PIECE
  let before = readOffset(zone, from - 1)
  let offset = readOffset(zone, from)
  for (let low = from; low < end; low += DAY) {
    const high = Math.min(low + DAY, end) - 1
    const after = readOffset(zone, high)
    if (after === offset) continue
    const at = changeWithin(zone, low - 1, high, offset)
    pieces.push({ from, to: at, offset, before })
    from = at
    before = offset
    offset = after
  }
  pieces.push({ from, to: end, offset, before })
  if (zone.pieces.size >= 500) zone.pieces.clear()
  zone.pieces.set(index, pieces)
  return pieces
}

/** The first instant whose offset is not that of `low`, found by halving. */
function changeWithin(zone: Zone, low: Millis, high: Millis, offset: Millis): Millis {
  let [same, other] = [low, high]
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (readOffset(zone, middle) === offset) same = middle
    else other = middle
  }
  return other
}
