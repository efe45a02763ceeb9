import { expect } from "bun:test"
import type { Millis } from "../../src/core/kit/clock.ts"
import type { Envelope } from "../../src/core/task/envelope.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import type { TaskStatus } from "../../src/core/task/status.ts"
import type { Settled, Settlement } from "../../src/core/task/verdict.ts"
import { tasksBy } from "../support/envelopes.ts"
import { settlementsBy } from "../support/settlements.ts"
import type { Opened } from "./exam.ts"

export type Desk = ReturnType<typeof createDesk>

/** What nearly every question needs, so that it reads as a story. */
export function createDesk(opened: Opened) {
  const { driver, clock, leaseMs = 1000 } = opened
  const { broker, results, inspector } = driver
  const task = tasksBy(clock)
  const say = settlementsBy(clock)

  const ask = (max: number, queues: readonly string[] = ["default"], holder = "worker-1") => ({
    queues,
    max,
    holder,
    leaseMs,
  })

  const desk = {
    ...opened,
    ...{ broker, results, inspector, deadLetters: inspector.deadLetters, workers: driver.workers },
    events: driver.events,
    ...{ task, say, ask, leaseMs },

    /** Stores tasks, given whole or by their ids. */
    store: (...tasks: readonly (Envelope | string)[]) =>
      broker.enqueue(tasks.map((one) => (typeof one === "string" ? task(one) : one))),

    /** Leases up to so many. */
    take: async (max = 100, queues?: readonly string[], holder?: string): Promise<readonly Delivery[]> =>
      (await broker.reserve(ask(max, queues, holder))).deliveries,

    /** Leases the one task there is. */
    async takeOne(queues?: readonly string[], holder?: string): Promise<Delivery> {
      const deliveries = await desk.take(2, queues, holder)
      expect(deliveries).toHaveLength(1)
      return deliveries[0] as Delivery
    },

    /** Takes back what the dead have left. */
    reclaim: (max = 100, queues?: readonly string[], holder = "worker-2") =>
      broker.reclaim(ask(max, queues, holder)),

    /** Lets the leases that are held now run out. */
    expireLeases: () => opened.advance(leaseMs + 1),

    settle: async (settlement: Settlement): Promise<Settled> =>
      (await broker.settle([settlement]))[0] as Settled,

    /** What anybody sees of a task, live or ended. */
    async see(id: string): Promise<TaskStatus | undefined> {
      const [live] = await inspector.find([id])
      return live?.status ?? (await results.get([id]))[0]
    },

    /** Runs and buries a task until it is a dead letter. */
    async kill(id: string, message?: string): Promise<void> {
      await desk.store(id)
      const delivery = await desk.takeOne()
      const reason = message === undefined ? undefined : { name: "TypeError", message }
      expect(await desk.settle(say.burial(delivery, reason))).toBe("settled")
    },

    /** Whether the promise has resolved, once everything that can go on has gone on. */
    async resolved(promise: Promise<unknown>, within: Millis = 0): Promise<boolean> {
      let done = false
      promise.then(() => {
        done = true
      })
      await opened.advance(within)
      return done
    },
  }
  return desk
}

/** The ids of deliveries, statuses or letters, in their order. */
export const idsOf = (
  list: readonly ({ readonly id: string } | { readonly envelope: { readonly id: string } })[],
): readonly string[] => list.map((one) => ("id" in one ? one.id : one.envelope.id))
