import { type Contestant, inTurns, perform } from "../contestants.ts"
import { rateRow } from "../report.ts"
import type { Measure } from "../run.ts"

/** One commit each costs a flush of the disk, so fewer tell as much. */
const ONE_BY_ONE = 2000
const IN_LISTS = 50_000

/** Storing tasks: one after the other, and in lists. */
export const enqueue =
  (contestants: readonly Contestant[]): Measure =>
  async ({ rounds }) => {
    const single = await inTurns(contestants, rounds, (who) => perform(who, "enqueueOne", ONE_BY_ONE))
    const many = await inTurns(contestants, rounds, (who) => perform(who, "enqueueMany", IN_LISTS))
    return {
      rows: [
        ...contestants.map((who) => rateRow("enqueue, one by one", who.about.name, single.get(who) ?? [])),
        ...contestants.map((who) => rateRow("enqueue, in lists", who.about.name, many.get(who) ?? [])),
      ],
    }
  }
