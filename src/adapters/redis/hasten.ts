import type { Broker } from "../../core/contracts/broker.ts"
import { CHUNK, chunks } from "./records.ts"
import type { Store } from "./store.ts"

/** Makes waiting tasks due now. */
export function createHasten(store: Store): Broker["hasten"] {
  return async (ids) => {
    const now = String(store.clock.now())
    const answers = await Promise.all(
      chunks(ids, CHUNK).map((some) => store.run<number[]>("hasten", [now, ...some])),
    )
    const hastened = answers.flat()
    return ids.filter((_, at) => hastened[at] === 1)
  }
}
