import { inChild } from "../child.ts"
import { inTurns } from "../contestants.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Timed } from "../systems/system.ts"

const KINDS = [
  [false, "events off"],
  [true, "events on"],
] as const
/** Two events a task are to cost a tenth at most. */
const AT_LEAST = 0.9

/** What telling of every change costs: the same drain without, and with events. */
export const events: Measure = async ({ rounds, tasks, concurrency }, { inPlace }) => {
  const timed = await inTurns(KINDS, rounds, ([on]) =>
    inPlace((place) => inChild<Timed>("systems/stem.ts", "drainTelling", place, { tasks, concurrency }, on)),
  )
  const rows = KINDS.map((kind) => rateRow("drain with events", kind[1], timed.get(kind) ?? []))
  const [off, on] = rows
  return { rows: [...rows, ...(off && on ? [timesRow(on, off, AT_LEAST)] : [])] }
}
