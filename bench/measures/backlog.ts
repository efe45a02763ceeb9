import { inChild } from "../child.ts"
import { inTurns } from "../contestants.ts"
import type { Place } from "../places.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Timed } from "../systems/system.ts"

/** How many are run; as many as there are in the small backlog. */
const FIRST = 10_000
const SCHEDULED = 100_000
const AN_HOUR_MS = 3_600_000
const MODULE = "systems/stem.ts"

/** Whether a long queue slows down those in front. */
export const backlog: Measure = ({ rounds, backlog: waiting, concurrency }, { inPlace }) =>
  inPlace(async (large) => {
    // One place for all rounds: each takes ten thousand of its million.
    await inChild(MODULE, "fill", large, waiting)
    const first = (place: Place) => inChild<Timed>(MODULE, "runSome", place, { tasks: FIRST, concurrency })
    const small = (scheduled: number) =>
      inPlace(async (place) => {
        if (scheduled > 0) await inChild(MODULE, "fill", place, scheduled, AN_HOUR_MS)
        await inChild(MODULE, "fill", place, FIRST)
        return first(place)
      })
    const cases = {
      [count(FIRST, "waiting")]: () => small(0),
      [count(waiting, "waiting")]: () => first(large),
      [`${count(FIRST, "waiting")}, ${count(SCHEDULED, "scheduled")}`]: () => small(SCHEDULED),
    }
    const timed = await inTurns(Object.keys(cases), rounds, (name) => (cases[name] as () => Promise<Timed>)())
    const [base, ...others] = [...timed].map(([name, found]) =>
      rateRow(`drain of the first ${FIRST.toLocaleString("en-US")}`, name, found),
    )
    if (!base) return { rows: [] }
    return { rows: [base, ...others, ...others.map((row) => timesRow(row, base, 0.8))] }
  })

const count = (tasks: number, what: string) => `${tasks.toLocaleString("en-US")} ${what}`
