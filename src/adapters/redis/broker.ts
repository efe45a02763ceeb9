import type { Broker, Enqueued, Renewed } from "../../core/contracts/broker.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import type { Cancel } from "./cancel.ts"
import { gather } from "./gather.ts"
import { createHasten } from "./hasten.ts"
import { packEnvelope, packGroup } from "./packing.ts"
import { batches } from "./records.ts"
import { createLeasing } from "./reserve.ts"
import { createSettle } from "./settle.ts"
import type { Store } from "./store.ts"

/** What was handed in with one call, with everything written out, so that none can fail its neighbours. */
interface Packed {
  readonly envelope?: Envelope | undefined
  readonly args: readonly string[]
}

export function createBroker(store: Store, cancel: Cancel): Broker {
  const { clock, bell, closing } = store

  /** Stores envelopes, and then opens groups. */
  const intake = gather(async (items: readonly Packed[]) => {
    const now = clock.now()
    const envelopes = items.filter(({ envelope }) => envelope)
    const groups = items.filter(({ envelope }) => !envelope).flatMap(({ args }) => args)
    const answers = new Map<Packed, Enqueued>()
    for (const item of envelopes) answers.set(item, stored(item.envelope as Envelope, now))
    const parts = batches(envelopes.map(({ args }) => args))
    const alone = parts.length <= 1 ? groups : []
    if (parts.length === 0) parts.push({ count: 0, args: [] })
    let from = 0
    await Promise.all(
      parts.map(async ({ count, args }) => {
        const some = envelopes.slice(from, from + count)
        from += count
        const asked = [String(now), String(count), ...args, ...alone]
        const known = await store.run<(number | string)[]>("enqueue", asked)
        for (let at = 0; at < known.length; at += 4) {
          const [place, kind, id, state] = known.slice(at, at + 4)
          const answer = { id, kind, state } as Enqueued
          answers.set(some[Number(place)] as Packed, answer)
        }
      }),
    )
    if (groups.length > alone.length) await store.run("enqueue", [String(now), "0", ...groups])
    return items.map((item) => answers.get(item))
  })

  return {
    ...createLeasing(store, cancel),

    async enqueue(envelopes, groups = []) {
      const packed: Packed[] = envelopes.map((envelope) => ({ envelope, args: packEnvelope(envelope) }))
      for (const group of groups) packed.push({ args: packGroup(group) })
      return (await intake(packed)).slice(0, envelopes.length) as Enqueued[]
    },

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
    settlesAtOnce: 2,
    cancel: cancel.cancel,
    hasten: createHasten(store),

    async wait(queues, until, signal) {
      const stop = AbortSignal.any([signal, closing])
      const ear = bell.listen(queues.map((queue) => `q${queue}`))
      try {
        while (!stop.aborted) {
          ear.rest()
          await bell.ready()
          const due = (await store.run<string>("wait", [String(clock.now()), ...queues])) || until
          const at = Math.min(Number(due), until)
          const now = clock.now()
          if (at <= now || (await ear.next(at - now, stop)) || at <= clock.now()) return
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
