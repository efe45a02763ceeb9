import type { LockStore } from "../contracts/locks.ts"
import type { Millis } from "../kit/clock.ts"

/**
 * Does a round that one of many is enough for: nothing when somebody has begun one within `ms`. The lock is left to run
 * out, which keeps the others from doing it again; a round that failed or was broken off is free for the next at once.
 * `goOn` tells a long round whether it is still its own.
 */
export async function inTurn(
  { locks, name, holder, ms }: { locks: LockStore; name: string; holder: string; ms: Millis },
  signal: AbortSignal,
  round: (goOn: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const lock = await locks.acquire(name, holder, ms)
  if (!lock) return
  let done = false
  try {
    await round(() => locks.renew(lock, ms))
    done = !signal.aborted
  } finally {
    if (!done) await locks.release(lock)
  }
}
