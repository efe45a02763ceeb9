import type { Broker, Enqueued, Renewed } from "../../core/contracts/broker.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import type { TaskState } from "../../core/task/status.ts"
import type { Cancel } from "./cancel.ts"
import { gather } from "./gather.ts"
import { createHasten } from "./hasten.ts"
import { batches, packEnvelope } from "./records.ts"
import { createLeasing } from "./reserve.ts"
import { createSettle } from "./settle.ts"
import type { Store } from "./store.ts"

/** An envelope with everything written out, so that none can fail its neighbours. */
interface Packed {
  readonly envelope: Envelope
  readonly args: readonly string[]
}

export function createBroker(store: Store, cancel: Cancel): Broker {
  const { clock, bell, closing } = store

  const intake = gather(async (items: readonly Packed[]) => {
    const now = clock.now()
    const answers = items.map(({ envelope }) => stored(envelope, now))
    let from = 0
    await Promise.all(
      batches(items.map(({ args }) => args)).map(async ({ count, args }) => {
        const start = from
        from += count
        const known = await store.run<(number | string)[]>("enqueue", [String(now), ...args])
        for (let at = 0; at < known.length; at += 2) {
          const place = start + Number(known[at])
          const { id } = (items[place] as Packed).envelope
          answers[place] = { id, kind: "duplicate", state: known[at + 1] as TaskState }
        }
      }),
    )
    return answers
  })

  return {
    ...createLeasing(store, cancel),

    enqueue: async (envelopes) =>
      intake(envelopes.map((envelope) => ({ envelope, args: packEnvelope(envelope) }))),

    async renew(renewals, leaseMs) {
      const expiresAt = clock.now() + Math.round(leaseMs)
      const packed = renewals.map(({ lease, progress }) => [
        ...[lease.id, String(lease.token), progress ? JSON.stringify(progress) : ""],
      ])
      const answers = await Promise.all(
        batches(packed).map(({ args }) => store.run<number[]>("renew", [String(expiresAt), ...args])),
      )
      return answers.flat().map((answer): Renewed => {
        if (answer === 0) return { kind: "stale" }
        if (answer === 1) return { kind: "held", expiresAt }
        return { kind: "held", expiresAt, cancel: answer === 3 ? "terminate" : "abort" }
      })
    },

    settle: createSettle(store, cancel),
    cancel: cancel.cancel,
    hasten: createHasten(store),

    async wait(queues, until, signal) {
      const stop = AbortSignal.any([signal, closing])
      const ear = bell.listen(queues.map((queue) => `q${queue}`))
      try {
        while (!stop.aborted) {
          ear.rest()
          await bell.ready()
          const due = Number(
            (await store.run<string>("wait", [String(clock.now()), ...queues])) || Number.POSITIVE_INFINITY,
          )
          const now = clock.now()
          if (due <= now || until <= now) return
          if (await ear.next(Math.min(due, until) - now, stop)) return
        }
      } catch (error) {
        if (!closing.aborted) throw error
      } finally {
        ear.close()
      }
    },
  }
}

const stored = ({ id, dueAt }: Envelope, now: number): Enqueued => ({
  ...{ id, kind: "stored", state: dueAt > now ? "scheduled" : "queued" },
})
