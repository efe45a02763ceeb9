import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import { seededRandom } from "./random.ts"

/** A clock moved by hand. Nothing happens between two moves; a move fires every sleep it passes, in order. */
export interface ManualClock extends Clock {
  /** Moves the time, letting everything that wakes run until it sleeps again. */
  advance(ms: Millis): Promise<void>
  /** Moves to the next sleep's end, at most by `limit`; answers whether there was one within it. */
  step(limit?: Millis): Promise<boolean>
  /** How many sleep. */
  sleepers(): number
}

interface Sleeper {
  readonly at: Millis
  readonly wake: () => void
}

export function manualClock(options: { start?: Millis; seed?: number } = {}): ManualClock {
  let now = options.start ?? 1_700_000_000_000
  const zero = now
  let sleepers: Sleeper[] = []

  const nextOne = () => sleepers.reduce<Sleeper | undefined>((a, b) => (a && a.at <= b.at ? a : b), undefined)

  async function fireUntil(end: Millis): Promise<void> {
    await settle()
    for (let next = nextOne(); next && next.at <= end; next = nextOne()) {
      now = Math.max(now, next.at)
      const woken = next
      sleepers = sleepers.filter((one) => one !== woken)
      woken.wake()
      await settle()
    }
    now = Math.max(now, end)
  }

  return {
    // A wall clock counts whole milliseconds.
    now: () => Math.floor(now),
    monotonic: () => now - zero,
    random: seededRandom(options.seed ?? 1),
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve()
      if (ms === Number.POSITIVE_INFINITY && !signal) return new Promise(() => {})
      return new Promise((resolve) => {
        const sleeper: Sleeper = {
          at: now + Math.max(0, ms),
          wake() {
            signal?.removeEventListener("abort", give)
            resolve()
          },
        }
        const give = () => {
          sleepers = sleepers.filter((one) => one !== sleeper)
          sleeper.wake()
        }
        sleepers.push(sleeper)
        signal?.addEventListener("abort", give, { once: true })
      })
    },
    advance: (ms) => fireUntil(now + ms),
    async step(limit = Number.POSITIVE_INFINITY) {
      await settle()
      const next = nextOne()
      if (!next || next.at > now + limit || next.at === Number.POSITIVE_INFINITY) return false
      await fireUntil(next.at)
      return true
    },
    sleepers: () => sleepers.length,
  }
}

/** Lets every promise that can go on, go on: a macrotask begins only when no microtask is left. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
