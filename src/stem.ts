/**
 * The composition root: configuration in, connected parts out. The only file that sees every room.
 */
import { openDriver } from "./adapters/index.ts"
import { type Client, createClient } from "./core/client/client.ts"
import type { Driver } from "./core/contracts/driver.ts"
import type { Clock } from "./core/kit/clock.ts"
import { systemClock } from "./runtime/clock.ts"

/** Open stores: one driver when broker and results share a URL, else two. */
export interface Stores {
  readonly broker: Driver
  readonly results: Driver
  readonly clock: Clock
  close(): Promise<void>
}

/** Opens what the configuration names. Throws `unavailable` or `invalid`; then nothing is left open. */
export async function openStores(
  config: { broker: string; results: string; namespace: string },
  clock: Clock = systemClock,
): Promise<Stores> {
  const options = { namespace: config.namespace, clock }
  const broker = await openDriver(config.broker, options)
  return { broker, results: broker, clock, close: () => broker.close() }
}

/** The client of open stores. */
export const clientOf = ({ broker, results, clock, close }: Stores): Client =>
  createClient({
    broker: broker.broker,
    inspector: broker.inspector,
    results: results.results,
    clock,
    close,
  })
