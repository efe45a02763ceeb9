import { inChild } from "../child.ts"
import { inTurns } from "../contestants.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import { KEYS, type Kind, LINKS } from "../systems/stem-flows.ts"
import type { Timed } from "../systems/system.ts"

/**
 * How fast each kind must be, as a share of plain tasks: 1.5 times the cost is two thirds of the rate. Links are sent
 * while others run, so they are measured against plain tasks whose sending counts too.
 */
const KINDS: readonly {
  readonly kind: Kind
  readonly of: string
  readonly against?: Kind
  readonly atLeast?: number
}[] = [
  { kind: "plain", of: "plain tasks" },
  { kind: "sent", of: "plain tasks, sending too" },
  { kind: "members", of: "members of one group", against: "plain", atLeast: 0.67 },
  { kind: "links", of: `links of chains of ${LINKS}`, against: "sent", atLeast: 0.67 },
  { kind: "unique", of: "tasks with unique keys", against: "plain", atLeast: 0.5 },
  { kind: "fair", of: `tasks of ${KEYS} fair keys`, against: "plain" },
]

/** What tasks of flows cost next to plain ones. */
export const flows: Measure = async ({ rounds, tasks, concurrency }, { inPlace }) => {
  const count = Math.floor(tasks / LINKS) * LINKS
  const timed = await inTurns(KINDS, rounds, ({ kind }) =>
    inPlace((place) =>
      inChild<Timed>("systems/stem-flows.ts", "drainOf", place, kind, { tasks: count, concurrency }),
    ),
  )
  const rows = new Map(
    KINDS.map((one) => [one.kind, rateRow("flows: drain", one.of, timed.get(one) ?? [])] as const),
  )
  const times = KINDS.flatMap(({ kind, against, atLeast }) => {
    const [row, other] = [rows.get(kind), against && rows.get(against)]
    return row && other ? [timesRow(row, other, atLeast)] : []
  })
  return { rows: [...rows.values(), ...times] }
}
