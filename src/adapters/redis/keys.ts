import { CHUNK, chunks } from "./records.ts"
import type { Store } from "./store.ts"

/** Forgets unique keys that nobody has any more, at most `max`; answers how many. */
export type ForgetKeys = (max: number) => Promise<number>

/** Keys that are looked at in one go, and how often in one call. Those of a million that live are not all looked at each time. */
const SLICE = 1000
const LOOKS = 20

/** What is asked for beside: that shelves nobody takes turns on have no lines any more. */
export function createForgetKeys(store: Store): ForgetKeys {
  const { clock, prefix } = store
  /** How far the last call has looked, if it did not come to the end. */
  let cursor = "0"

  async function forgetLines(): Promise<void> {
    const shelves = await store.use((client) => client.smembers(`${prefix}shelves`))
    for (const some of chunks(shelves, CHUNK)) await store.run("lineForget", some)
  }

  return async (max) => {
    await forgetLines()
    let removed = 0
    for (let looks = 0; looks < LOOKS && removed < max; looks++) {
      const [next, fields] = await store.use((client) =>
        client.hscan(`${prefix}keys`, cursor, "COUNT", SLICE),
      )
      const keys = fields.filter((_, at) => at % 2 === 0)
      for (const some of chunks(keys, CHUNK))
        removed += await store.run<number>("keyForget", [clock.now(), max - removed].map(String).concat(some))
      // What was left for want of room is looked at again.
      if (removed < max) cursor = next
      if (cursor === "0") break
    }
    return removed
  }
}
