import type { Clock, Millis } from "./clock.ts"

/**
 * A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits, so that ids made
 * later sort later. Not a secret.
 */
export function uuidv7(clock: Pick<Clock, "now" | "random">, now: Millis = clock.now()): string {
  const time = timeText(Math.max(0, now))
  const a = hex4(0x7000 + bits(clock, 12))
  const b = hex4(0x8000 + bits(clock, 14))
  const c = bits(clock, 24)
  const d = bits(clock, 24)
  return `${time}-${a}-${b}-${hex2(c >>> 16)}${hex4(c & 0xffff)}${hex2(d >>> 16)}${hex4(d & 0xffff)}`
}

const bits = (clock: Pick<Clock, "random">, count: number) => Math.floor(clock.random() * 2 ** count)

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const hex2 = (value: number) => BYTES[value] as string
const hex4 = (value: number) => hex2(value >>> 8) + hex2(value & 0xff)

/** Many ids are made in the same millisecond. */
let latest = { time: -1, text: "" }

function timeText(time: number): string {
  if (time !== latest.time) {
    const hex = time.toString(16).padStart(12, "0")
    latest = { time, text: `${hex.slice(0, 8)}-${hex.slice(8)}` }
  }
  return latest.text
}
