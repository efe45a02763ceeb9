import type { Broker } from "../contracts/broker.ts"
import type { Driver } from "../contracts/driver.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { uuidv7 } from "../kit/id.ts"
import { type Envelope, parseEnvelope } from "../task/envelope.ts"
import type { Delivery } from "../task/lease.ts"

/**
 * Envelopes kept on this machine while their store can not be reached. A spool is itself a small durable store whose
 * tasks are envelopes, so several processes may fill and empty one, and a crash in between delivers twice at worst:
 * the second is a duplicate by its id.
 */
export interface Spool {
  /** Answers when they are on the disk. Throws `unavailable` when the spool can not be written: nothing is kept then. */
  keep(envelopes: readonly Envelope[]): Promise<void>
  /**
   * Delivers all that is kept, oldest first; answers how many. Throws what the broker throws; what was not delivered
   * stays kept.
   */
  flush(broker: Broker): Promise<number>
  /** How many are kept. */
  count(): Promise<number>
  close(): Promise<void>
}

const QUEUE = "spool"
const BATCH = 500
/** How long a flush that died keeps its batch from the next one. */
const LEASE: Millis = 30_000

/** A spool in an open store, which serves nothing else. */
export function createSpool({ broker: kept, inspector, close }: Driver, clock: Clock): Spool {
  const holder = `flush-${uuidv7(clock)}`
  const ask = { queues: [QUEUE], max: BATCH, holder, leaseMs: LEASE }

  const wrap = (envelope: Envelope): Envelope => {
    const now = clock.now()
    return {
      ...{ v: 1, id: uuidv7(clock), task: "spool", input: envelope, queue: QUEUE, priority: 5 },
      ...{ enqueuedAt: now, dueAt: now, headers: {} },
    }
  }

  const finish = (deliveries: readonly Delivery[], kind: "ack" | "release") =>
    kept.settle(
      deliveries.map(({ lease }) => ({
        lease,
        verdict: kind === "ack" ? { kind } : { kind, at: clock.now() },
        next: [],
      })),
    )

  return {
    async keep(envelopes) {
      await kept.enqueue(envelopes.map(wrap))
    },

    async flush(broker) {
      let delivered = 0
      while (true) {
        const lost = await kept.reclaim(ask)
        const { deliveries } = lost.length > 0 ? { deliveries: lost } : await kept.reserve(ask)
        if (deliveries.length === 0) return delivered
        try {
          await broker.enqueue(deliveries.map(({ envelope }) => parseEnvelope(envelope.input)))
        } catch (error) {
          await finish(deliveries, "release")
          throw error
        }
        await finish(deliveries, "ack")
        delivered += deliveries.length
      }
    },

    async count() {
      const queues = await inspector.queues()
      return queues.reduce(
        (sum, { ready, scheduled, running, retrying }) => sum + ready + scheduled + running + retrying,
        0,
      )
    },

    close,
  }
}
