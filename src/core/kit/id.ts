import type { Clock } from "./clock.ts"

/**
 * A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits, so that ids made
 * later sort later. Not a secret.
 */
export function uuidv7(clock: Pick<Clock, "now" | "random">): string {
  const time = Math.max(0, clock.now()).toString(16).padStart(12, "0")
  const a = (0x7000 + bits(clock, 12)).toString(16)
  const b = (0x8000 + bits(clock, 14)).toString(16)
  const c = hex(bits(clock, 24), 6) + hex(bits(clock, 24), 6)
  return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${b}-${c}`
}

const bits = (clock: Pick<Clock, "random">, count: number) => Math.floor(clock.random() * 2 ** count)
const hex = (value: number, width: number) => value.toString(16).padStart(width, "0")
