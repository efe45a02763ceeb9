import type { Clock, Millis } from "../kit/clock.ts"
import { toFailure } from "../task/failure.ts"
import type { Listener } from "./events.ts"

/**
 * Whether the store answers, as all loops of one worker see it: said once when it goes, once when it is back,
 * and in between calls are tried again with a growing pause.
 */
export interface StoreWatch {
  /**
   * Calls until it succeeds; undefined when the signal aborted first.
   */
  insist<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>
  /** Calls once; undefined when the store did not answer. */
  attempt<T>(call: () => Promise<T>): Promise<T | undefined>
}

/** The pause grows from 50 ms to a second, so that work resumes well within 5 s of the store's return. */
const FIRST_PAUSE: Millis = 50
const LONGEST_PAUSE: Millis = 1000

/** A watch that takes the store for there until a call fails. */
export function createStoreWatch(emit: Listener, clock: Clock): StoreWatch {
  let lostAt: Millis | undefined

  async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await call()
      if (lostAt !== undefined) {
        const awayMs = Math.round(clock.monotonic() - lostAt)
        lostAt = undefined
        emit({ kind: "store_back", awayMs })
      }
      return answer
    } catch (error) {
      if (lostAt === undefined) {
        lostAt = clock.monotonic()
        emit({ kind: "store_lost", error: toFailure(error) })
      }
      return undefined
    }
  }

  return {
    attempt,
    async insist(call, signal) {
      let pause = FIRST_PAUSE
      while (!signal.aborted) {
        const answer = await attempt(call)
        if (answer !== undefined) return answer
        await clock.sleep(pause * (0.5 + clock.random() / 2), signal)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
      return undefined
    },
  }
}
