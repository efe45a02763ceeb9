import type { Config } from "../../core/config/config.ts"
import { clientOf, openStores, type Stores, startWorker } from "../../stem.ts"
import { TASK } from "./module.ts"

const SAMPLES = 200

/**
 * How long after its enqueue began a task is started by an idle worker. The worker has its own connection where
 * the store can be shared, as a worker in another process has.
 */
export async function measurePickup(stores: Stores, config: Config): Promise<{ p50: number; p99: number }> {
  const own = stores.capabilities.shared ? await openStores(config) : undefined
  const started = new Map<string, () => void>()
  const worker = await startWorker(own ?? stores, config, (event) => {
    if (event.kind === "started") started.get(event.id)?.()
  })
  const client = clientOf(stores)
  const times: number[] = []
  try {
    for (let at = 0; at < SAMPLES; at++) {
      const id = `pickup-${at}`
      const seen = new Promise<void>((resolve) => started.set(id, resolve))
      const began = performance.now()
      await client.enqueue(TASK, null, { id })
      await seen
      times.push(performance.now() - began)
      await client.wait(id)
    }
  } finally {
    worker.drain()
    await worker.done
    await own?.close()
  }
  times.sort((a, b) => a - b)
  const share = (part: number) => Number((times[Math.floor((times.length - 1) * part)] as number).toFixed(2))
  return { p50: share(0.5), p99: share(0.99) }
}
