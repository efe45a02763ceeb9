import { inChild } from "../child.ts"
import { inTurns } from "../contestants.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Timed } from "../systems/system.ts"

const KINDS = [
  ["nothing", "no limits"],
  ["rated", "a rate"],
  ["bounded", "a concurrency"],
] as const
/** A limited task costs one call more in three, and slots one to be given back. */
const AT_LEAST = 0.5

/** What a limit costs that never refuses: the same tasks without, and with one of each kind. */
export const limits: Measure = async ({ rounds, tasks, concurrency }, { inPlace }) => {
  const timed = await inTurns(KINDS, rounds, ([task]) =>
    inPlace((place) => inChild<Timed>("systems/stem.ts", "drainOf", place, { tasks, concurrency }, task)),
  )
  const rows = KINDS.map((kind) => rateRow("drain with limits", kind[1], timed.get(kind) ?? []))
  const [plain, ...limited] = rows
  return { rows: [...rows, ...limited.flatMap((row) => (plain ? [timesRow(row, plain, AT_LEAST)] : []))] }
}
