import type { Config } from "../../core/config/config.ts"
import { StemError } from "../../core/kit/errors.ts"
import { type Stores, startWorker } from "../../stem.ts"

/** Runs a worker until the queue is empty; answers how many tasks a second, from its readiness to the last end. */
export async function measureDrain(stores: Stores, config: Config, tasks: number): Promise<number> {
  let began = 0
  let ended = 0
  let done = 0
  const drain = { ...config, worker: { ...config.worker, drain: true } }
  const worker = await startWorker(stores, drain, ({ kind }) => {
    if (kind === "ready") began = performance.now()
    if (kind === "succeeded" && ++done === tasks) ended = performance.now()
  })
  await worker.done
  if (done === tasks) return Math.round((tasks * 1000) / (ended - began))
  throw new StemError("failed", "bench_incomplete", `${done} of ${tasks} tasks were run`, {
    hint: "Look for what else happened to the store, and try again.",
  })
}
