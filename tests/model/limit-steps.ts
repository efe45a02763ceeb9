import fc from "fast-check"
import type { Limiter } from "../../src/core/contracts/limits.ts"
import type { Millis } from "../../src/core/kit/clock.ts"
import { type Grant, type Limit, LOOK } from "../../src/core/task/limit.ts"
import type { ManualClock } from "../support/manual-clock.ts"

/** A grant, with what was asked for. */
export interface Granted {
  readonly id: string
  readonly limits: readonly Limit[]
  readonly at: Millis
}

/** One step of a walk over limits: its answers are compared, and its grants counted. */
export interface LimitStep {
  readonly name: string
  readonly passes?: Millis
  take(limits: Limiter, clock: ManualClock): Promise<unknown>
  /** What was asked, where something was. */
  readonly asks?: readonly { readonly id: string; readonly limits: readonly Limit[] }[]
}

const LEASE = 4000

/** Few keys, each always with the same numbers. */
export const LIMITS: readonly Limit[] = [
  { key: "every-300", bucket: { everyMs: 300, burst: 1 } },
  { key: "three-a-second", bucket: { everyMs: 1000 / 3, burst: 4 } },
  { key: "fast", bucket: { everyMs: 7, burst: 1 } },
  { key: "two", most: 2 },
  { key: "one", most: 1 },
]

const id = fc.constantFrom(..."abcdefghij")
const some = fc.uniqueArray(fc.constantFrom(...LIMITS), { minLength: 0, maxLength: 3 })
const token = fc.integer({ min: 1, max: 3 })
const slots = LIMITS.flatMap((limit) => ("most" in limit ? [limit] : []))
const slot = fc.tuple(fc.constantFrom(...slots), id, fc.nat(3)).map(([limit, who, by]) => ({
  ...{ key: limit.key, id: who, token: by, most: limit.most },
}))

const take: fc.Arbitrary<LimitStep> = fc
  .tuple(
    fc.array(fc.record({ id, token, limits: some }), { minLength: 1, maxLength: 8 }),
    fc.constantFrom(2, 9),
  )
  .map(([asks, room]) => ({
    name: `take ${asks.map((ask) => `${ask.id}: ${ask.limits.map(({ key }) => key)}`).join("; ")}`,
    take: (limits) => limits.take(asks, LEASE, room),
    asks,
  }))

const keep: fc.Arbitrary<LimitStep> = fc.array(slot, { minLength: 1, maxLength: 4 }).map((of) => ({
  name: `keep ${of.map(({ key, id: who }) => `${key} ${who}`)}`,
  take: (limits) => limits.keep(of, LEASE),
}))

const handedInOrder = (slots: readonly { key: string; id: string }[]) =>
  slots.map(({ key, id: who }) => `${key} ${who}`).sort()

const free: fc.Arbitrary<LimitStep> = fc.array(slot, { minLength: 1, maxLength: 4 }).map((of) => ({
  name: `free ${of.map(({ key, id: who, token: by }) => `${key} ${who} ${by}`)}`,
  take: async (limits) => handedInOrder(await limits.free(of)),
}))

const park: fc.Arbitrary<LimitStep> = fc
  .uniqueArray(slot, { minLength: 1, maxLength: 4, selector: ({ key, id: who }) => `${key} ${who}` })
  .map((of) => ({
    name: `park ${of.map(({ key, id: who }) => `${key} ${who}`)}`,
    take: async (limits, clock) =>
      handedInOrder(
        await limits.park(of.map((one) => ({ ...one, retryAt: clock.now() + LOOK + one.token }))),
      ),
  }))

const time: fc.Arbitrary<LimitStep> = fc
  .constantFrom(1, 7, 20, 150, 300, 333, 1000, 4000, 3_700_000)
  .map((ms) => ({ name: `${ms} ms pass`, passes: ms, async take() {} }))

const prune: fc.Arbitrary<LimitStep> = fc.constant({
  name: "prune",
  take: async (limits) => void (await limits.prune(1000)),
})

/** A step over limits. */
export const limitStep = fc.oneof(
  { arbitrary: take, weight: 12 },
  { arbitrary: time, weight: 8 },
  { arbitrary: free, weight: 4 },
  { arbitrary: park, weight: 3 },
  { arbitrary: keep, weight: 2 },
  { arbitrary: prune, weight: 1 },
)

/** What was granted by the answer to a step. */
export const grantedBy = (step: LimitStep, answer: unknown): readonly Granted[] =>
  (step.asks ?? []).flatMap(({ id: who, limits }, at) => {
    const grant = (answer as readonly Grant[])[at]
    return grant?.kind === "granted" ? [{ id: who, limits, at: grant.at }] : []
  })
