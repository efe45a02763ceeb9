import type { Spool } from "../client/spool.ts"
import type { Broker } from "../contracts/broker.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { messageOf } from "../kit/errors.ts"
import type { Listener } from "../observe/events.ts"
import { toFailure } from "../task/failure.ts"

/** What delivering needs. */
export interface DeliveryParts {
  /** Opens the spool; called again when it failed. */
  readonly open: () => Promise<Spool>
  readonly broker: Pick<Broker, "enqueue">
  readonly clock: Clock
  readonly emit: Listener
}

/** Between two looks. Any number of workers may look into one spool. */
const EVERY: Millis = 2000

/**
 * Delivers what the spool has kept, as soon as the store takes it, until the signal aborts. Trouble is told once, and
 * again only when it is another, or has been over in between.
 */
export async function deliverSpool(parts: DeliveryParts, signal: AbortSignal): Promise<void> {
  const { open, broker, clock, emit } = parts
  let spool: Spool | undefined
  let told: string | undefined
  while (!signal.aborted) {
    try {
      spool ??= await open()
      const count = (await spool.count()) === 0 ? 0 : await spool.flush(broker)
      if (count > 0) emit({ kind: "spool_flushed", count })
      told = undefined
    } catch (error) {
      if (messageOf(error) !== told) emit({ kind: "upkeep_failed", error: toFailure(error) })
      told = messageOf(error)
    }
    await clock.sleep(EVERY * (0.75 + clock.random() / 2), signal)
  }
  await spool?.close()
}
