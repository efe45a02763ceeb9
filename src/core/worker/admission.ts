import type { Isolates, LimitKeys } from "../contracts/isolates.ts"
import type { Limiter, Slot, Wait } from "../contracts/limits.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { inTime } from "../kit/deadline.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import { gate } from "../policy/gate.ts"
import { limitsOf } from "../policy/limit-keys.ts"
import type { Grant, Limit } from "../task/limit.ts"
import { needsCode, type QueueLimits } from "../task/limit-spec.ts"
import type { Freer } from "./freer.ts"
import type { Held, Leases } from "./held.ts"
import type { Settler } from "./settler.ts"

/** The door for tasks that have limits: who may run now, and what becomes of the others. */
export interface Admission {
  /**
   * Starts those that may run, as long as there is room, and hands back the others, at no cost: when it returns the
   * store has them, but for those whose keys take long to make, which are seen to beside. Answers how many were refused
   * by a limit.
   */
  admit(list: readonly Held[], room: () => number, signal: AbortSignal): Promise<number>
  /** Resolves when nobody's key is being made any more, and what became of them is done. */
  idle(): Promise<void>
  /** Hands back what there is no room for, to the place where it was. */
  handBack(list: readonly Held[]): Promise<void>
}

/** What an admission needs. */
export interface AdmissionParts {
  readonly limits: Limiter
  readonly isolates: Isolates
  readonly queueLimits: ReadonlyMap<string, QueueLimits>
  readonly settler: Settler
  readonly freer: Freer
  readonly leases: Leases
  readonly store: StoreWatch
  readonly clock: Clock
  readonly leaseMs: Millis
  readonly start: (held: Held) => void
  /** Told of every refusal, with the key of the limit. */
  readonly refused: (key: string) => void
}

/** So long others wait for keys that code makes; most are there in a millisecond. */
const KEYS_SOON: Millis = 50
/** Nobody could make the keys: they are asked for again after so long. */
const NO_KEYS: Millis = 1000

/** An admission to one worker. */
export function createAdmission(parts: AdmissionParts): Admission {
  const { limits, isolates, settler, freer, leases, store, clock, leaseMs, start } = parts

  async function release(held: Held, at: Millis): Promise<boolean> {
    const { lease } = held.delivery
    const settled = await settler.settle({ lease, verdict: { kind: "release", at }, next: [] })
    if (leases.get(lease.id) === held) leases.delete(lease.id)
    return settled === "settled"
  }

  const handBack = async (list: readonly Held[]) => {
    const now = clock.now()
    await Promise.all(list.map((held) => release(held, Math.min(held.delivery.envelope.dueAt, now))))
  }

  /** The keys that code makes; undefined when nobody can make them now. */
  async function keysOf(list: readonly Held[]): Promise<ReadonlyMap<Held, LimitKeys> | undefined> {
    try {
      const asks = list.map(({ delivery: { envelope } }) => ({
        task: envelope.task,
        input: envelope.input,
      }))
      const made = (await isolates.limitKeys?.(asks)) ?? []
      return new Map(list.map((held, at) => [held, made[at] ?? { keys: [] }]))
    } catch {
      return undefined
    }
  }

  /** What is refused waits in the store; who waits for a slot enters the line once it is there. */
  async function refuse(
    held: Held,
    own: readonly Limit[],
    grant: Grant & { kind: "refused" },
  ): Promise<Wait[]> {
    parts.refused(grant.on)
    const { id } = held.delivery.envelope
    // Slots that it was handed are of no use to it while a rate keeps it, and to others they may be. Those before the
    // one that it waits for it keeps for a moment: so that two tasks do not pass two slots to one another for ever.
    const from = grant.full ? own.findIndex((limit) => "most" in limit && limit.key === grant.on) + 1 : 0
    const handed = slotsOf(own.slice(from), id, 0)
    const settled = await release(held, grant.retryAt)
    if (handed.length > 0) freer.free(handed)
    const limit = own.find((one) => "most" in one && one.key === grant.on)
    if (!settled || !grant.full || !limit || !("most" in limit)) return []
    return [{ key: grant.on, id, most: limit.most, retryAt: grant.retryAt }]
  }

  const coded = ({ delivery }: Held) => needsCode(isolates.specs().get(delivery.envelope.task))

  /** One after the other, so that each sees the room that is left. */
  let granting: Promise<unknown> = Promise.resolve()
  const grantInTurn: typeof grant = (...ask) => {
    const granted = granting.then(() => grant(...ask))
    granting = granted.catch(() => {})
    return granted
  }

  const slow = new Set<Promise<unknown>>()
  let fault: { readonly error: unknown } | undefined

  async function admit(list: readonly Held[], room: () => number, signal: AbortSignal): Promise<number> {
    if (fault) throw fault.error
    const slower = list.filter(coded)
    if (slower.length === 0) return grantInTurn(list, new Map(), room, signal)
    const plain = list.filter((held) => !coded(held))
    const later = keysOf(slower).then(async (made) => {
      if (made) return grantInTurn(slower, made, room, signal)
      await Promise.all(slower.map((held) => release(held, clock.now() + NO_KEYS)))
      return slower.length
    })
    const [refused, soon] = await Promise.all([
      plain.length === 0 ? 0 : grantInTurn(plain, new Map(), room, signal),
      inTime(clock, KEYS_SOON, later),
    ])
    if (soon !== undefined) return refused + soon
    const seenTo = later.then(
      () => {},
      (error) => {
        fault = { error }
      },
    )
    slow.add(seenTo)
    void seenTo.then(() => slow.delete(seenTo))
    return refused
  }

  /** What was granted and finds no room any more is handed back with its slots. */
  async function handBackGranted(list: readonly { held: Held; own: readonly Limit[] }[]): Promise<void> {
    for (const { held, own } of list) {
      const { id, token } = held.delivery.lease
      const slots = slotsOf(own, id, token)
      if (slots.length > 0) freer.free(slots)
    }
    await handBack(list.map(({ held }) => held))
  }

  async function grant(
    list: readonly Held[],
    made: ReadonlyMap<Held, LimitKeys>,
    room: () => number,
    signal: AbortSignal,
  ): Promise<number> {
    const asking: { held: Held; own: readonly Limit[] }[] = []
    for (const held of list) {
      const { envelope } = held.delivery
      const spec = isolates.specs().get(envelope.task)
      const keys = made.get(held)
      if (keys && "error" in keys) held.refusal = { kind: "failed", error: keys.error }
      const ends = held.refusal ?? gate(held.delivery, spec, clock.now())
      if (ends) start(held)
      else {
        const own = limitsOf(envelope, spec, parts.queueLimits, keys && "keys" in keys ? keys.keys : [])
        asking.push({ held, own })
      }
    }
    const asks = asking.map(({ held, own }) => {
      const { id, token } = held.delivery.lease
      return { id, token, limits: own }
    })
    const grants = await store.insist(() => limits.take(asks, leaseMs, room()), signal)
    if (!grants) {
      await handBack(asking.map(({ held }) => held))
      return 0
    }
    const refusals: Promise<Wait[]>[] = []
    const later: Held[] = []
    const crowded: { held: Held; own: readonly Limit[] }[] = []
    asking.forEach(({ held, own }, at) => {
      const grant = grants[at]
      if (grant?.kind === "granted" && room() < 1) crowded.push({ held, own })
      else if (grant?.kind === "granted") {
        const { id, token } = held.delivery.lease
        held.slots = slotsOf(own, id, token)
        held.startAt = grant.at
        start(held)
      } else if (grant?.kind === "refused") refusals.push(refuse(held, own, grant))
      else later.push(held)
    })
    const [waits] = await Promise.all([Promise.all(refusals), handBack(later), handBackGranted(crowded)])
    await freer.park(waits.flat())
    return refusals.length
  }

  const idle = async () => {
    while (slow.size > 0) await Promise.all(slow)
  }
  return { admit, handBack, idle }
}

const slotsOf = (own: readonly Limit[], id: string, token: number): readonly Slot[] =>
  own.flatMap((limit) => ("most" in limit ? [{ key: limit.key, id, token, most: limit.most }] : []))
