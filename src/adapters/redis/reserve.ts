import type { ReserveAsk, Reserved } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { Delivery } from "../../core/task/lease.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { Replay } from "../../core/task/status.ts"
import type { Cancel } from "./cancel.ts"
import { CHUNK, envelopeOf, factsOf, packStatus, parsed, readEnvelope, readKnown } from "./records.ts"
import type { Store } from "./store.ts"

/** Leasing tasks. */
export interface Leasing {
  reserve(ask: ReserveAsk): Promise<Reserved>
  reclaim(ask: ReserveAsk): Promise<readonly Delivery[]>
}

const NONE: readonly Replay[] = Object.freeze([])

export function createLeasing(store: Store, cancel: Cancel): Leasing {
  const { clock } = store

  /** The deliveries in an answer of reserve or reclaim, added to `into`; what can not be read is buried. */
  async function take(
    answer: readonly string[],
    from: number,
    reclaimed: boolean,
    ask: { holder: string; expiresAt: Millis },
    into: Delivery[],
  ): Promise<void> {
    for (let at = from; at < answer.length; ) {
      const [token, attempts, notes, id] = (answer[at] as string).split(" ") as [
        string,
        string,
        string,
        string,
      ]
      const envelope = readEnvelope(envelopeOf(answer[at + 1] as string))
      const replays = notes === "1" ? (parsed<readonly Replay[]>(answer[at + 2] as string) ?? NONE) : NONE
      at += notes === "1" ? 3 : 2
      if (envelope instanceof Error) await bury(id, token, envelope)
      else
        into.push({
          envelope,
          lease: { id, holder: ask.holder, token: Number(token), expiresAt: ask.expiresAt },
          attempt: Number(attempts) + 1,
          reclaimed,
          replays,
        })
    }
  }

  async function bury(id: string, token: string, why: Error): Promise<void> {
    const [known] = await readKnown(store, [id])
    if (!known?.record) return
    const [now, error] = [clock.now(), toFailure(why)]
    const facts = { ...factsOf(known, why as never), holder: undefined, startedAt: undefined }
    const status = { ...endedStatusOf(facts, "failed", now), error }
    await store.run("bury", [String(now), id, token, JSON.stringify(error), packStatus(status)])
  }

  return {
    async reserve({ queues, max, holder, leaseMs }) {
      const names = [...new Set(queues)]
      const deliveries: Delivery[] = []
      while (deliveries.length < max) {
        const now = clock.now()
        const expiresAt = now + Math.round(leaseMs)
        const most = Math.min(CHUNK, max - deliveries.length)
        const args = [String(now), String(expiresAt), String(most), holder, ...names]
        const answer = await store.run<string[]>("reserve", args)
        await take(answer, 1, false, { holder, expiresAt }, deliveries)
        if (answer[0] !== "" || answer.length === 1) {
          if (deliveries.length >= max || answer[0] === "") return { deliveries }
          return { deliveries, wakeAt: Number(answer[0]) }
        }
      }
      return { deliveries }
    },

    async reclaim({ queues, max, holder, leaseMs }) {
      const names = [...new Set(queues)]
      const deliveries: Delivery[] = []
      while (deliveries.length < max) {
        const now = clock.now()
        const expiresAt = now + Math.round(leaseMs)
        const most = Math.min(CHUNK, max - deliveries.length)
        const args = [String(now), String(expiresAt), String(most), holder, ...names]
        const [count, ...answer] = await store.run<[number, ...string[]]>("reclaim", args)
        await take(answer, count, true, { holder, expiresAt }, deliveries)
        await cancel.endMarked(answer.slice(0, count))
        if (answer.length === 0) break
      }
      return deliveries
    },
  }
}
