import { BARE, type Contestant, inTurns, perform, STEM } from "../contestants.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"

/** Running what waits, results stored; each contestant next to Stem with the bar that is set for it. */
export const drain =
  (others: readonly { who: Contestant; atLeast?: number }[]): Measure =>
  async ({ rounds, tasks, concurrency }) => {
    const all = [STEM, ...others.map(({ who }) => who)]
    const timed = await inTurns(all, rounds, (who) =>
      perform(who, "drain", {
        tasks: Math.ceil(tasks * who.share),
        // While half of Stem's tasks are in the handlers' processes, the other half is in one transaction.
        concurrency: who === BARE ? Math.ceil(concurrency / 2) : concurrency,
      }),
    )
    const rowOf = (who: Contestant) => rateRow("drain", who.about.name, timed.get(who) ?? [])
    return {
      rows: [
        ...all.map(rowOf),
        ...others.map(({ who, atLeast }) => timesRow(rowOf(STEM), rowOf(who), atLeast)),
      ],
    }
  }
