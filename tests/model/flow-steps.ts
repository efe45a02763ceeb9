import fc from "fast-check"
import { nextOf } from "../../src/core/canvas/advance.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Groups } from "../../src/core/contracts/groups.ts"
import type { Notes } from "../../src/core/contracts/notes.ts"
import type { Envelope, Fair, Unique } from "../../src/core/task/envelope.ts"
import type { Group } from "../../src/core/task/group.ts"
import { tasksBy, type Wish } from "../support/envelopes.ts"
import type { ManualClock } from "../support/manual-clock.ts"
import { settlementsBy } from "../support/settlements.ts"
import { type AnyStep, endingOf, max, pick, queue, settleTogether, shift, type Walker } from "./steps.ts"

// Many tasks, so that lines are long, and few groups, keys and names, so that steps meet.
const id = fc.nat(400).map((n) => `f${n}`)
const group = fc.constantFrom("g1", "g2", "g3", "g4", "g5", "g6")
const place = fc.record({ group, index: fc.nat(3) })
// The last two are in another order by code point than by the units of UTF-16.
const fair: fc.Arbitrary<Fair> = fc.record(
  { key: fc.constantFrom("a", "b", "Z", "\uff5e", "\u{1f600}"), weight: fc.constantFrom(1, 2, 3) },
  { requiredKeys: ["key"] },
)
const unique: fc.Arbitrary<Unique> = fc
  .tuple(
    fc.constantFrom("k1", "k2", "k3"),
    fc.constantFrom<Unique["mode"]>("live", "window", "throttle", "debounce", "replace"),
    fc.constantFrom(500, 2000),
  )
  .map(([key, mode, forMs]) => ({
    ...{ key, mode },
    ...((mode === "window" || mode === "throttle") && { forMs }),
  }))

interface Ask {
  readonly id: string
  readonly wish: Wish
  /** What of a flow it is part of. */
  readonly fair?: Fair
  readonly unique?: Unique
  readonly place?: { group: string; index: number }
  /** The links of its chain; the last of them has its place. */
  readonly links: number
}

const wish: fc.Arbitrary<Wish> = fc.record({ queue, priority: fc.constantFrom(0, 5, 9), dueIn: shift })
const of = (more: { [K in "fair" | "unique" | "place"]?: fc.Arbitrary<Ask[K]> }) =>
  fc.record({ id, wish, links: fc.constantFrom(0, 0, 0, 0, 1, 4), ...more }) as fc.Arbitrary<Ask>

const ask = fc.oneof(
  { arbitrary: of({ fair }), weight: 4 },
  { arbitrary: of({ place }), weight: 4 },
  { arbitrary: of({ unique }), weight: 3 },
  { arbitrary: of({ fair, unique, place }), weight: 1 },
  { arbitrary: of({}), weight: 1 },
)

function taskOf(ask: Ask, clock: ManualClock): Envelope {
  const { fair, unique, place, links } = ask
  const task = tasksBy(clock)
  const membership = place && { group: place }
  const then = Array.from({ length: links }, (_, at) => ({
    ...{ task: `link-${at}`, ...(at % 2 === 0 && { input: { at } }) },
    ...(at === links - 1 && membership),
  }))
  const rest = links > 0 ? { then } : membership
  return task(ask.id, {
    ...ask.wish,
    more: { ...(fair && { fair }), ...(unique && { unique }), ...rest },
  })
}

/** A group; what it sends at its end may have a key and turns of its own. */
const opening = fc.record({
  id: group,
  size: fc.nat(4),
  tolerate: fc.constantFrom(undefined, undefined, 1, 2),
  body: fc.option(ask),
  broken: fc.array(ask, { maxLength: 2 }),
})
type Opening = typeof opening extends fc.Arbitrary<infer T> ? T : never

function groupOf({ id, size, tolerate, body, broken }: Opening, clock: ManualClock): Group {
  return {
    ...{ v: 1, id, size, openedAt: clock.now() },
    ...(tolerate !== undefined && { tolerate }),
    ...(body && { body: taskOf({ ...body, id: `${id}:${body.id}` }, clock) }),
    broken: broken.map((one) => taskOf({ ...one, id: `${id}:broken:${one.id}` }, clock)),
  }
}

const enqueue = fc
  .tuple(fc.array(ask, { maxLength: 8 }), fc.array(opening, { maxLength: 2 }))
  .map(([asks, groups]) => ({
    name: `enqueue ${asks.map((one) => one.id)} with groups ${groups.map((one) => one.id)}`,
    take: ({ broker }: Driver, { clock }: Walker) =>
      broker.enqueue(
        asks.map((one) => taskOf(one, clock)),
        groups.map((one) => groupOf(one, clock)),
      ),
  }))

/** Several of the latest deliveries end in one batch; one of them may open a group. */
const settle = fc
  .tuple(
    fc.array(fc.constantFrom("bare success", "bare success", "bare success", "burial"), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.option(opening),
    shift,
  )
  .map(([kinds, opens, inMs]) => ({
    name: `settle the latest: ${kinds}${opens ? `, opening ${opens.id}` : ""}`,
    async take(driver: Driver, { hands, clock }: Walker) {
      const latest = hands.slice(-kinds.length)
      return settleTogether(
        driver,
        latest.map((delivery, at) => {
          const end = endingOf(kinds[at] as string, delivery, inMs, clock)
          return [delivery, { ...end, ...(opens && at === 0 && { opens: [groupOf(opens, clock)] }) }] as const
        }),
      )
    },
  }))

/**
 * One of the latest succeeds, and its chain goes on. Alone: what one call of settle sends for several tasks is in the
 * order of arrival, and whether links or the ends of groups come first in it each store has its own way.
 */
const goOn = fc.tuple(pick, shift).map(([at, inMs]) => ({
  name: `go on after ${at}`,
  async take({ broker }: Driver, { hands, clock }: Walker) {
    const of = hands[hands.length - 1 - (at % Math.min(hands.length, 8))]
    if (!of) return
    const next = nextOf(of.envelope, { at: inMs }, clock.now()).envelopes
    return broker.settle([{ ...endingOf(at % 3 ? "success" : "bare success", of, inMs, clock), next }])
  },
}))

const handBack = pick.map((at) => ({
  name: `hand back ${at}`,
  async take({ broker }: Driver, { hands, clock }: Walker) {
    const delivery = hands[hands.length - 1 - (at % hands.length)]
    const say = settlementsBy(clock)
    return delivery && broker.settle([at % 2 === 0 ? say.retry(delivery, at) : say.release(delivery, at)])
  },
}))

const reserve = fc.tuple(queue, fc.constantFrom(1, 2, 5, 8, 20)).map(([from, most]) => ({
  name: `reserve ${most} of ${from}`,
  async take({ broker }: Driver, { hands }: Walker) {
    const answer = await broker.reserve({ queues: [from], max: most, holder: "w", leaseMs: 1000 })
    hands.push(...answer.deliveries)
    return answer
  },
}))

/** By what was in hand once: it may run, wait, be over or dead. */
const known = fc.tuple(pick, fc.nat(30)).map(([a, b]) => ({
  ids: ({ hands }: Walker) =>
    [hands[a % hands.length], hands[b % hands.length]].flatMap((one) => one?.lease.id ?? []),
}))

const steer = fc.oneof(
  known.map(({ ids }) => ({
    name: "cancel what was in hand",
    take: ({ broker }: Driver, walker: Walker) => broker.cancel(ids(walker), { terminate: false }),
  })),
  fc.array(id, { maxLength: 20 }).map((ids) => ({
    name: `cancel ${ids}`,
    take: ({ broker }: Driver) => broker.cancel(ids, { terminate: false }),
  })),
  known.map(({ ids }) => ({
    name: "hasten what was in hand",
    take: ({ broker }: Driver, walker: Walker) => broker.hasten([...new Set(ids(walker))]),
  })),
  fc.tuple(fc.boolean(), shift).map(([rejoin, inMs]) => ({
    name: `replay all${rejoin ? " to rejoin" : ""}`,
    async take({ inspector }: Driver, { clock }: Walker) {
      const letters = await inspector.deadLetters.list({ limit: 5 })
      const ask = { rejoin, dueAt: clock.now() + inMs }
      return inspector.deadLetters.replay(letters.map((letter) => ({ id: letter.id, ...ask })))
    },
  })),
)

const notesOf = ({ notes }: Driver) => notes as Notes
const name = fc.constantFrom("n1", "n2")

const notes = fc.oneof(
  fc.tuple(pick, name, fc.jsonValue()).map(([at, under, value]) => ({
    name: `remember ${under} of ${at}`,
    async take(driver: Driver, { hands }: Walker) {
      const delivery = hands[hands.length - 1 - (at % hands.length)]
      return delivery && notesOf(driver).remember(delivery.lease, under, value)
    },
  })),
  fc.tuple(known, name).map(([{ ids }, under]) => ({
    name: `recall ${under}`,
    take: (driver: Driver, walker: Walker) =>
      Promise.all(ids(walker).map((of) => notesOf(driver).recall(of, under))),
  })),
)

// As many as there are, for which of them go first is nobody's promise.
const ALL = 1000

const upkeep = fc.constantFrom(
  { name: "forget keys", take: async ({ inspector }: Driver) => inspector.forgetKeys?.(ALL) },
  { name: "sweep", take: ({ groups }: Driver) => (groups as Groups).sweep(ALL) },
  {
    name: "prune groups and notes",
    take: async (driver: Driver, { clock }: Walker) => [
      await (driver.groups as Groups).prune(clock.now() - 5000, ALL),
      await notesOf(driver).prune(clock.now() - 2000, ALL),
    ],
  },
)

const pages = fc.tuple(group, fc.nat(3), max).map(([of, from, most]) => ({
  name: `arrivals of ${of} from ${from}`,
  take: ({ groups }: Driver) => (groups as Groups).arrivals(of, from, most),
}))

/** Steps of groups, unique keys, fair turns and notes, by how often they are taken. */
export const FLOW_STEPS: readonly { readonly arbitrary: AnyStep; readonly weight: number }[] = [
  { arbitrary: enqueue, weight: 18 },
  { arbitrary: reserve, weight: 14 },
  { arbitrary: settle, weight: 12 },
  { arbitrary: goOn, weight: 10 },
  { arbitrary: handBack, weight: 3 },
  { arbitrary: steer, weight: 6 },
  { arbitrary: notes, weight: 5 },
  { arbitrary: upkeep, weight: 3 },
  { arbitrary: pages, weight: 1 },
]
