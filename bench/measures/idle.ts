import { inChild } from "../child.ts"
import { atMost, type Row } from "../report.ts"
import type { Measure } from "../run.ts"

const SECONDS = 20
const ROUNDS = 3

/** What a worker costs that has nothing to do. */
export const idle: Measure = async ({ rounds }, { inPlace }) => {
  const samples: number[] = []
  for (let round = 0; round < Math.min(rounds, ROUNDS); round++)
    samples.push(
      await inPlace((place) => inChild<number>("systems/stem-worker.ts", "idleShare", place, SECONDS)),
    )
  const row: Row = { measure: "idle worker", of: "supervisor and isolates", unit: "% of a core", samples }
  return { rows: [atMost(row, 1)] }
}
