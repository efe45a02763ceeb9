import { commandOf, inChild } from "../child.ts"
import type { Place, StoreName } from "../places.ts"
import { atMost, quantile, type Row } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Pickup } from "../systems/stem-worker.ts"

const MODULE = "systems/stem-worker.ts"
const TASKS = 200
/** On sqlite a flush of the disk is in it. */
const BARS: Record<StoreName, { p50: number; p99?: number }> = {
  sqlite: { p50: 5 },
  redis: { p50: 2, p99: 10 },
  postgres: { p50: 2, p99: 10 },
}

/** How soon an idle worker in another process begins a task. */
export const pickup: Measure = async ({ rounds }, { store, inPlace }) => {
  const found: (readonly Pickup[])[] = []
  for (let round = 0; round < rounds; round++) found.push(await inPlace(oneRound))
  const row = (of: string, pick: (pickup: Pickup) => number, share: number): Row => ({
    ...{ measure: `pickup, p${share * 100}`, of, unit: "ms" },
    samples: found.map((round) => quantile(round.map(pick), share)),
  })
  const called = ({ fromCall }: Pickup) => fromCall
  const answered = ({ fromAnswer }: Pickup) => fromAnswer
  const { p50, p99 } = BARS[store]
  return {
    rows: [
      atMost(row("from the call of enqueue", called, 0.5), p50),
      atMost(row("from the call of enqueue", called, 0.99), p99),
      row("from its answer", answered, 0.5),
      row("from its answer", answered, 0.99),
    ],
  }
}

async function oneRound(place: Place): Promise<readonly Pickup[]> {
  const worker = Bun.spawn(commandOf([MODULE, "serve", place]), { stdio: ["ignore", "pipe", "inherit"] })
  try {
    await worker.stdout.getReader().read()
    return await inChild<readonly Pickup[]>(MODULE, "probe", place, TASKS)
  } finally {
    worker.kill("SIGKILL")
    await worker.exited
  }
}
