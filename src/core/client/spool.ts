import type { Broker } from "../contracts/broker.ts"
import type { Driver } from "../contracts/driver.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { fingerprint } from "../kit/fingerprint.ts"
import { uuidv7 } from "../kit/id.ts"
import { type Envelope, parseEnvelope } from "../task/envelope.ts"
import type { Delivery } from "../task/lease.ts"

/** Where kept envelopes were on their way to. Credentials are no part of it: they change. */
export interface SpoolTarget {
  /** The store, as `placeOf` names it. */
  readonly store: string
  readonly namespace: string
}

/** What is kept for one target. */
export interface Kept extends SpoolTarget {
  readonly count: number
  /** When the oldest of it was kept. */
  readonly oldestAt?: Millis | undefined
}

/**
 * Envelopes kept on this machine while their store can not be reached. A spool is itself a small durable store whose
 * tasks are envelopes, so several processes may fill and empty one, and a crash in between delivers twice at worst:
 * the second is a duplicate by its id. What is meant for one store and namespace is never delivered to another,
 * unless that is asked for.
 */
export interface Spool {
  /** Answers when they are on the disk. Throws `unavailable` when the spool can not be written: nothing is kept then. */
  keep(envelopes: readonly Envelope[]): Promise<void>
  /**
   * Delivers what is kept for this target, or with `all` for any, oldest first; answers how many. Throws what the
   * broker throws; what was not delivered stays kept. The room of what was is given back to the disk.
   */
  flush(broker: Pick<Broker, "enqueue">, options?: { all?: boolean }): Promise<number>
  /** How many are kept for this target. */
  count(): Promise<number>
  /** What is kept, for whichever target. */
  kept(): Promise<readonly Kept[]>
  close(): Promise<void>
}

const BATCH = 500
/** Due whatever a clock says: who keeps and who delivers need not agree on the time. */
const ALWAYS: Millis = 0
/** How long a flush that died keeps its batch from the next one. */
const LEASE: Millis = 30_000

/** A spool in an open store, which serves nothing else, for envelopes to this target. */
export function createSpool(
  { broker: kept, inspector, giveBack, close }: Pick<Driver, "broker" | "inspector" | "giveBack" | "close">,
  target: SpoolTarget,
  clock: Clock,
): Spool {
  const holder = `flush-${uuidv7(clock)}`
  const own = queueOf(target)

  const wrap = (envelope: Envelope): Envelope => ({
    ...{ v: 1, id: uuidv7(clock), task: "spool", input: envelope, queue: own, priority: 5 },
    ...{ enqueuedAt: clock.now(), dueAt: ALWAYS, headers: { ...target } },
  })

  const finish = (deliveries: readonly Delivery[], kind: "ack" | "release") =>
    kept.settle(
      deliveries.map(({ lease }) => ({
        lease,
        verdict: kind === "ack" ? { kind } : { kind, at: ALWAYS },
        next: [],
      })),
    )

  const queues = async () =>
    (await inspector.queues())
      .map(({ queue, ready, scheduled, running, retrying }) => ({
        queue,
        count: ready + scheduled + running + retrying,
      }))
      .filter(({ count }) => count > 0)

  return {
    async keep(envelopes) {
      await kept.enqueue(envelopes.map(wrap))
    },

    async flush(broker, { all = false } = {}) {
      const named = all ? (await queues()).map(({ queue }) => queue) : [own]
      const ask = { queues: named, max: BATCH, holder, leaseMs: LEASE }
      let delivered = 0
      while (named.length > 0) {
        const lost = await kept.reclaim(ask)
        const { deliveries } = lost.length > 0 ? { deliveries: lost } : await kept.reserve(ask)
        if (deliveries.length === 0) break
        try {
          await broker.enqueue(deliveries.map(({ envelope }) => parseEnvelope(envelope.input)))
        } catch (error) {
          await finish(deliveries, "release")
          throw error
        }
        await finish(deliveries, "ack")
        delivered += deliveries.length
      }
      if (delivered > 0) while (await giveBack?.());
      return delivered
    },

    async count() {
      return (await queues()).find(({ queue }) => queue === own)?.count ?? 0
    },

    async kept() {
      return Promise.all(
        (await queues()).map(async ({ queue, count }): Promise<Kept> => {
          const [oldest] = await inspector.list({ queue, limit: 1 })
          const { store = "?", namespace = "?" } = oldest?.envelope.headers ?? {}
          return { store, namespace, count, oldestAt: oldest?.envelope.enqueuedAt }
        }),
      )
    },

    close,
  }
}

/** A queue for each target; its name says nothing, the envelopes in it do. */
const queueOf = ({ store, namespace }: SpoolTarget): string => `to-${fingerprint(`${namespace}\n${store}`)}`
