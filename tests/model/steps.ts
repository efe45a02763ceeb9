import fc from "fast-check"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Presence } from "../../src/core/contracts/workers.ts"
import { absenceOf, CANCELLED_MEMBER } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import type { EndState } from "../../src/core/task/status.ts"
import type { Settlement } from "../../src/core/task/verdict.ts"
import { tasksBy, type Wish } from "../support/envelopes.ts"
import type { ManualClock } from "../support/manual-clock.ts"
import { endOf, failure, settlementsBy } from "../support/settlements.ts"

/** What a walk knows while it walks one store. */
export interface Walker {
  readonly clock: ManualClock
  /** Every delivery there ever was, those that are stale by now too. */
  readonly hands: Delivery[]
}

/** One step of a walk: what it is called, and how it is taken on a store. Its answers are compared. */
export interface Step {
  readonly name: string
  take(driver: Driver, walker: Walker): Promise<unknown>
}

/** A step; `passes` moves the one clock that all stores share. */
export type AnyStep = fc.Arbitrary<Step & { passes?: number }>

// Few names, so that steps meet.
const id = fc.constantFrom(..."abcdefghijklmnopqrst")
export const queue = fc.constantFrom("x", "y")
const queues = fc.constantFrom(["x"], ["y"], ["x", "y"], ["y", "never", "x"])
export const max = fc.integer({ min: 1, max: 4 })
export const shift = fc.constantFrom(-1500, 0, 0, 0, 0, 400, 2500)
export const pick = fc.nat(6)
const ids = fc.array(id, { minLength: 1, maxLength: 6 })

const wish: fc.Arbitrary<Wish> = fc.record({
  queue,
  priority: fc.constantFrom(0, 5, 9),
  dueIn: shift,
  task: fc.constantFrom("t1", "t2"),
})

const LEASE = 1000

const enqueue = fc.array(fc.tuple(id, wish), { minLength: 1, maxLength: 6 }).map((asks) => ({
  name: `enqueue ${asks.map(([name]) => name)}`,
  take: ({ broker }: Driver, { clock }: Walker) =>
    broker.enqueue(asks.map(([name, how]) => tasksBy(clock)(name, how))),
}))

const reserve = fc.tuple(queues, max, fc.constantFrom(true, false, false)).map(([of, most, lost]) => ({
  name: `${lost ? "reclaim" : "reserve"} ${most} of ${of}`,
  async take({ broker }: Driver, { hands }: Walker) {
    const ask = { queues: of, max: most, holder: "w", leaseMs: LEASE }
    const answer = lost ? { deliveries: await broker.reclaim(ask) } : await broker.reserve(ask)
    hands.push(...answer.deliveries)
    return answer
  },
}))

const renew = fc.tuple(pick, fc.boolean()).map(([at, moving]) => ({
  name: `renew ${at}`,
  async take({ broker }: Driver, { hands, clock }: Walker) {
    const delivery = hands[at % hands.length]
    const progress = moving ? { progress: { value: at, at: clock.now() } } : {}
    return delivery && broker.renew([{ lease: delivery.lease, ...progress }], LEASE)
  },
}))

const VERDICTS = ["success", "burial", "retry", "release", "expiry", "bare burial", "bare success"]

function settlementOf(kind: string, of: Delivery, inMs: number, clock: ManualClock): Settlement {
  const say = settlementsBy(clock)
  if (kind === "burial") return say.burial(of, failure(`died of ${inMs}`, { code: "E" }))
  if (kind === "retry") return say.retry(of, inMs)
  if (kind === "release") return say.release(of, inMs)
  if (kind === "expiry") return { ...say.success(of), status: endOf(of, "expired", clock.now()) }
  if (kind === "bare burial") return { ...say.burial(of), status: undefined }
  if (kind === "bare success") return { ...say.success(of), status: undefined }
  return say.success(of, { at: inMs }, [tasksBy(clock)(`${of.envelope.id}1`, { queue: "y" })])
}

/** The same with what a task of a flow owes at its end: its arrival, and its key. */
export function endingOf(kind: string, of: Delivery, inMs: number, clock: ManualClock): Settlement {
  const settlement = settlementOf(kind, of, inMs, clock)
  const { group, unique, then } = of.envelope
  if (kind === "retry" || kind === "release") return settlement
  const arrive = kind.endsWith("success")
    ? group && !then && { ...group, id: of.envelope.id, ok: true, result: { at: inMs } }
    : absenceOf(of.envelope, kind === "expiry" ? CANCELLED_MEMBER : failure("it is no more"))
  return { ...settlement, ...(arrive && { arrive }), ...(unique && { unique: unique.key }) }
}

/**
 * Settles in one call, but those with keys in calls of their own before it: of what ends in one call, whether it has
 * ended for what another of it sends is left to each store, and so which of two has the key. And so are those that links
 * follow where somebody arrives: whether links or the ends of groups come first is left to each store too.
 */
export async function settleTogether({ broker }: Driver, ends: readonly (readonly [Delivery, Settlement])[]) {
  const joins = ends.some(([, { arrive, opens }]) => arrive || opens)
  const isAlone = ([of, { next }]: readonly [Delivery, Settlement]) =>
    of.envelope.unique !== undefined || (joins && next.length > 0)
  const answers: unknown[] = []
  for (const one of ends) if (isAlone(one)) answers.push(...(await broker.settle([one[1]])))
  const others = ends.flatMap((one) => (isAlone(one) ? [] : [one[1]]))
  return [...answers, ...(await broker.settle(others))]
}

const settle = fc
  .array(fc.tuple(pick, fc.constantFrom(...VERDICTS), shift), { minLength: 1, maxLength: 3 })
  .map((ends) => ({
    name: `settle ${ends.map(([at, kind]) => `${at}: ${kind}`)}`,
    async take(driver: Driver, { hands, clock }: Walker) {
      return settleTogether(
        driver,
        ends.flatMap(([at, kind, inMs]) => {
          const delivery = hands[hands.length - 1 - (at % hands.length)]
          return delivery ? [[delivery, endingOf(kind, delivery, inMs, clock)] as const] : []
        }),
      )
    },
  }))

const cancel = fc.tuple(ids, fc.boolean()).map(([which, terminate]) => ({
  name: `cancel ${which}`,
  take: ({ broker }: Driver) => broker.cancel(which, { terminate }),
}))

const put = fc
  .tuple(id, fc.constantFrom<EndState>("succeeded", "failed", "cancelled"), fc.nat(3), fc.nat(3000))
  .map(([name, state, token, ago]) => ({
    name: `put ${name} ${state} ${token}`,
    async take({ results }: Driver, { clock }: Walker) {
      const status = { v: 1 as const, id: `put-${name}`, task: "t", queue: "x", state, attempt: 1, token }
      await results.put([{ ...status, enqueuedAt: 1, finishedAt: clock.now() - ago }])
    },
  }))

const desk = fc.oneof(
  fc
    .constant("y")
    .map((of) => ({ name: `pause ${of}`, take: ({ inspector }: Driver) => inspector.pause(of) })),
  queue.map((of) => ({ name: `resume ${of}`, take: ({ inspector }: Driver) => inspector.resume(of) })),
  fc.tuple(queue, max).map(([of, most]) => ({
    name: `purge ${of}`,
    take: ({ inspector }: Driver) => inspector.purge(of, most),
  })),
  ids.map((which) => ({ name: `find ${which}`, take: ({ inspector }: Driver) => inspector.find(which) })),
  ids.map((which) => ({ name: `get ${which}`, take: ({ results }: Driver) => results.get(which) })),
)

const dead = fc.oneof(
  fc.tuple(ids, shift, fc.boolean()).map(([which, inMs, edited]) => ({
    name: `replay ${which}`,
    take: ({ inspector }: Driver, { clock }: Walker) => {
      const edit = edited ? { edit: { input: { edited: inMs } } } : {}
      return inspector.deadLetters.replay(
        which.map((one) => ({ id: one, dueAt: clock.now() + inMs, ...edit })),
      )
    },
  })),
  ids.map((which) => ({
    name: `purge dead ${which}`,
    take: ({ inspector }: Driver) => inspector.deadLetters.purge(which),
  })),
)

const prune = fc.tuple(max, shift, shift).map(([most, good, bad]) => ({
  name: `prune ${most}`,
  async take({ results, inspector }: Driver, { clock }: Walker) {
    const now = clock.now()
    const ask = { succeededBefore: now - 1000 + good, otherBefore: now - 1000 + bad, max: most }
    return [await results.prune(ask), await inspector.deadLetters.prune(now - 5000 + bad, most)]
  },
}))

const worker = fc.tuple(id, fc.nat(2000), fc.boolean()).map(([name, ttl, leaves]) => ({
  name: `worker ${name}`,
  take: ({ workers }: Driver) =>
    leaves ? workers.leave(name) : workers.beat({ id: name, name, v: 1, pid: ttl } as Presence, ttl),
}))

const time = fc.constantFrom(1, 300, 1001, 5000).map((ms) => ({
  name: `${ms} ms pass`,
  async take() {},
  passes: ms,
}))

/** Steps by how often they are taken. */
export const STEPS: readonly { readonly arbitrary: AnyStep; readonly weight: number }[] = [
  { arbitrary: enqueue, weight: 10 },
  { arbitrary: reserve, weight: 16 },
  { arbitrary: settle, weight: 18 },
  { arbitrary: time, weight: 10 },
  { arbitrary: renew, weight: 3 },
  { arbitrary: cancel, weight: 2 },
  { arbitrary: dead, weight: 5 },
  { arbitrary: desk, weight: 4 },
  { arbitrary: prune, weight: 2 },
  { arbitrary: put, weight: 1 },
  { arbitrary: worker, weight: 1 },
]
