import type { ReserveAsk, Reserved } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { Delivery } from "../../core/task/lease.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { Replay } from "../../core/task/status.ts"
import type { Cancel } from "./cancel.ts"
import { packArrival } from "./packing.ts"
import {
  absenceIn,
  CHUNK,
  envelopeOf,
  factsOf,
  packStatus,
  parsed,
  readEnvelope,
  readKnown,
  tasksOf,
} from "./records.ts"
import type { Store } from "./store.ts"

/** Leasing tasks. */
export interface Leasing {
  reserve(ask: ReserveAsk): Promise<Reserved>
  reclaim(ask: ReserveAsk): Promise<readonly Delivery[]>
}

/** What scripts/reserve.lua answers. */
type ReserveAnswer = [
  wakeAt: string,
  texts: string[],
  noted: (number | string)[],
  entries: (string | number)[],
]

const NONE: readonly Replay[] = Object.freeze([])

export function createLeasing(store: Store, cancel: Cancel): Leasing {
  const { clock } = store

  /** Adds a delivery; what can not be read is buried. */
  async function take(
    { proof, text, replays }: { proof: string; text: string; replays: string },
    { holder, expiresAt, reclaimed }: { holder: string; expiresAt: Millis; reclaimed: boolean },
    into: Delivery[],
  ): Promise<void> {
    const [token, attempts, , id] = proof.split(" ") as [string, string, string, string]
    const envelope = readEnvelope(envelopeOf(text))
    if (envelope instanceof Error) return bury(id, token, envelope)
    into.push({
      envelope,
      lease: { id, holder, token: Number(token), expiresAt },
      attempt: Number(attempts) + 1,
      reclaimed,
      replays: parsed<readonly Replay[]>(replays) ?? NONE,
    })
  }

  /** Adds the deliveries in an answer of reserve. Nearly all are plain: nothing is known of them but their text. */
  async function takeAll(
    [, texts, noted, entries]: ReserveAnswer,
    ask: { holder: string; expiresAt: Millis },
    into: Delivery[],
  ): Promise<void> {
    const { holder, expiresAt } = ask
    let next = 0
    for (let at = 0; at < texts.length; at++) {
      const text = texts[at] as string
      if (noted[next] === at) {
        const [proof, replays] = [noted[next + 1] as string, noted[next + 2] as string]
        next += 3
        await take({ proof, text, replays }, { ...ask, reclaimed: false }, into)
        continue
      }
      const envelope = readEnvelope(envelopeOf(text))
      if (envelope instanceof Error) await bury(await idOf(at, entries), "1", envelope)
      else {
        const lease = { id: envelope.id, holder, token: 1, expiresAt }
        into.push({ envelope, lease, attempt: 1, reclaimed: false, replays: NONE })
      }
    }
  }

  /** The id of the task whose text is the one at this index. */
  async function idOf(at: number, entries: readonly (string | number)[]): Promise<string> {
    let from = 0
    for (let pair = 0; pair < entries.length; pair += 2) {
      const count = Number(entries[pair + 1])
      if (at < from + count) {
        const entry = String(entries[pair])
        const [found] = await store.use((client) => client.xrange(`${store.prefix}running`, entry, entry))
        return tasksOf(found?.[1] ?? [])[at - from] as string
      }
      from += count
    }
    throw new Error("a text of no reservation")
  }

  async function bury(id: string, token: string, why: Error): Promise<void> {
    const [known] = await readKnown(store, [id])
    if (!known?.record) return
    const [now, error] = [clock.now(), toFailure(why)]
    const facts = { ...factsOf(known, why as never), holder: undefined, startedAt: undefined }
    const status = { ...endedStatusOf(facts, "failed", now), error }
    const absence = packArrival(absenceIn(known, why, error))
    await store.run("bury", [String(now), id, token, JSON.stringify(error), packStatus(status), ...absence])
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
        const answer = await store.run<ReserveAnswer>("reserve", args)
        const [wakeAt, texts] = answer
        await takeAll(answer, { holder, expiresAt }, deliveries)
        if (wakeAt !== "" || texts.length === 0) {
          if (deliveries.length >= max || wakeAt === "") return { deliveries }
          return { deliveries, wakeAt: Number(wakeAt) }
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
        const [marked, lost] = await store.run<[string[], string[]]>("reclaim", args)
        for (let at = 0; at < lost.length; at += 3) {
          const [proof, text, replays] = lost.slice(at, at + 3) as [string, string, string]
          await take({ proof, text, replays }, { holder, expiresAt, reclaimed: true }, deliveries)
        }
        await cancel.endMarked(marked)
        if (marked.length + lost.length === 0) break
      }
      return deliveries
    },
  }
}
