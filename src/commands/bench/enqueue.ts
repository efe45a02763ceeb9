import { clientOf, type Stores } from "../../stem.ts"
import { TASK } from "./module.ts"

const BATCH = 1000

/** Enqueues so many tasks in batches, as a program would; answers how many a second. */
export async function measureEnqueue(stores: Stores, tasks: number): Promise<number> {
  const client = clientOf(stores)
  const began = performance.now()
  for (let sent = 0; sent < tasks; sent += BATCH)
    await client.enqueueMany(
      Array.from({ length: Math.min(BATCH, tasks - sent) }, (_, at) => ({
        task: TASK,
        input: { n: sent + at },
      })),
    )
  return Math.round((tasks * 1000) / (performance.now() - began))
}
