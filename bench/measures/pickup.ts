import { commandOf, inChild, inFolder } from "../child.ts"
import { atMost, quantile, type Row } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Pickup } from "../systems/stem-worker.ts"

const MODULE = "systems/stem-worker.ts"
const TASKS = 200
const P50_MS = 5

/** How soon an idle worker in another process begins a task. */
export const pickup: Measure = async ({ rounds }) => {
  const found: (readonly Pickup[])[] = []
  for (let round = 0; round < rounds; round++) found.push(await inFolder(oneRound))
  const row = (of: string, pick: (pickup: Pickup) => number, share: number): Row => ({
    ...{ measure: `pickup, p${share * 100}`, of, unit: "ms" },
    samples: found.map((round) => quantile(round.map(pick), share)),
  })
  const called = ({ fromCall }: Pickup) => fromCall
  const answered = ({ fromAnswer }: Pickup) => fromAnswer
  return {
    rows: [
      atMost(row("from the call of enqueue", called, 0.5), P50_MS),
      row("from the call of enqueue", called, 0.99),
      row("from its answer", answered, 0.5),
      row("from its answer", answered, 0.99),
    ],
  }
}

async function oneRound(folder: string): Promise<readonly Pickup[]> {
  const worker = Bun.spawn(commandOf([MODULE, "serve", folder]), { stdio: ["ignore", "pipe", "inherit"] })
  try {
    await worker.stdout.getReader().read()
    return await inChild<readonly Pickup[]>(MODULE, "probe", folder, TASKS)
  } finally {
    worker.kill("SIGKILL")
    await worker.exited
  }
}
