import { type Contestant, inTurns, perform } from "../contestants.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"

/** Running what waits, results stored; each contestant next to Stem with the bar that is set for it. */
export const drain =
  (stem: Contestant, others: readonly { who: Contestant; atLeast?: number }[]): Measure =>
  async ({ rounds, tasks, concurrency }, stage) => {
    const all = [stem, ...others.map(({ who }) => who)]
    const timed = await inTurns(all, rounds, (who) =>
      stage.inPlace((place) =>
        perform(who, "drain", place, {
          tasks: Math.ceil(tasks * who.share),
          concurrency: Math.ceil(concurrency * (who.atOnce ?? 1)),
        }),
      ),
    )
    const rowOf = (who: Contestant) => rateRow("drain", who.about.name, timed.get(who) ?? [])
    return {
      rows: [
        ...all.map(rowOf),
        ...others.map(({ who, atLeast }) => timesRow(rowOf(stem), rowOf(who), atLeast)),
      ],
    }
  }
