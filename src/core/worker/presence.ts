import type { Presence, WorkerRegistry } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { StoreWatch } from "../observe/store-watch.ts"

/** How often a worker says that it is there, and after how long of silence it is taken for gone. */
const EVERY: Millis = 5000
const TTL: Millis = 3 * EVERY

/** Writes the worker's presence until the signal aborts, then takes its leave. */
export async function presence(
  { registry, store, clock }: { registry: WorkerRegistry; store: StoreWatch; clock: Clock },
  describe: () => Presence,
  signal: AbortSignal,
): Promise<void> {
  const beat = () => store.attempt(() => registry.beat(describe(), TTL).then(() => true))
  while (!signal.aborted) {
    await beat()
    await clock.sleep(EVERY, signal)
  }
  await store.attempt(() => registry.leave(describe().id).then(() => true))
}
