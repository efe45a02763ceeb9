import type { Store } from "./store.ts"

/** Keys that are looked at by one statement, and in one call. Those of a million that live are not all looked at each time. */
const SLICE = 1000
const LOOKS = 20

/** Forgets unique keys that nobody has any more, at most `max`; answers how many. */
export function createForgetKeys({ desk, clock, ns }: Store): (max: number) => Promise<number> {
  const forget = desk.sql("SELECT * FROM stem.forget_keys($1, $2, $3, $4, $5)")
  /** How far the last call has looked, if it did not come to the end. */
  let looked = ""
  return async (max) => {
    let total = 0
    for (let looks = 0; looks < LOOKS && total < max; looks++) {
      const row = await forget.one<{ forgotten: number; looked: string | null }>(
        ...([ns, clock.now(), looked, SLICE, max - total] as const),
      )
      total += row?.forgotten ?? 0
      looked = row?.looked ?? ""
      if (looked === "") break
    }
    return total
  }
}
