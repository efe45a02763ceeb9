import type { Envelope } from "../../core/task/envelope.ts"
import type { Arrival, Group } from "../../core/task/group.ts"
import type { Value } from "./client.ts"
import { sentFields } from "./flow-values.ts"
import { numbers, texts } from "./sql-values.ts"

/** What happens to groups, by the place of what it follows from: see groups-1.sql. */
export type Act = { readonly of: number } & ({ readonly opens: Group } | { readonly arrive: Arrival })

/** The tasks that these groups may send. */
export const sentBy = (groups: readonly Group[]): readonly Envelope[] =>
  groups.flatMap(({ body, broken = [] }) => (body ? [body, ...broken] : broken))

/**
 * Acts in steps, as statements take them: groups that open as JSON, null for none; of those who arrive whose act it is,
 * the step, the group, the place, whether it is a success, and the text; null for none.
 *
 * In one step the order must make no difference, for all of it is counted at once: so a group is there with either any
 * number of successes, each at another place, or one act of another kind. It is there with any number of failures where
 * it is the only one: what they send may not come behind what another's send. A purge of a large group is one step so.
 */
export function actValues(
  acts: readonly Act[],
  queues: ReadonlyMap<string, number>,
): { readonly opens: Value; readonly arrivals: readonly Value[] } {
  const opens: object[] = []
  const arrivals: { of: number; step: number; arrival: Arrival }[] = []
  let step = 1
  /** The places taken in this step by group, and how they ended; null where nothing else may happen to it. */
  let taken = new Map<string, { readonly ok: boolean; readonly places: Set<number> } | null>()
  for (const act of acts) {
    const id = "opens" in act ? act.opens.id : act.arrive.group
    const arrive = "arrive" in act ? act.arrive : undefined
    const before = taken.get(id)
    const more = arrive && before?.ok === arrive.ok && !before.places.has(arrive.index)
    if (before !== undefined && !(more && (arrive.ok || taken.size === 1))) {
      step += 1
      taken = new Map()
    }
    const places = taken.get(id)?.places ?? new Set()
    taken.set(id, arrive ? { ok: arrive.ok, places: places.add(arrive.index) } : null)
    if ("opens" in act) opens.push(openingOf(act.opens, act.of, step, queues))
    else arrivals.push({ of: act.of, step, arrival: act.arrive })
  }
  return {
    opens: opens.length > 0 ? JSON.stringify(opens) : null,
    arrivals: arrivals.length > 0 ? arrivalValues(arrivals) : NO_ARRIVALS,
  }
}

export const NO_ARRIVALS: readonly Value[] = Object.freeze([null, null, null, null, null, null])

const arrivalValues = (list: readonly { of: number; step: number; arrival: Arrival }[]): readonly Value[] => [
  numbers(list.map(({ of }) => of)),
  numbers(list.map(({ step }) => step)),
  texts(list.map(({ arrival }) => arrival.group)),
  numbers(list.map(({ arrival }) => arrival.index)),
  `{${list.map(({ arrival }) => arrival.ok).join(",")}}`,
  texts(list.map(({ arrival: { group: _, index: __, ...rest } }) => JSON.stringify(rest))),
]

function openingOf(group: Group, of: number, step: number, queues: ReadonlyMap<string, number>): object {
  const { body, broken, ...rest } = group
  const { id, size, tolerate = 0, openedAt } = rest
  return {
    ...{ of, step, id, size, tolerate, opened: openedAt, definition: JSON.stringify(rest) },
    ...(body && { body: [sentFields(body, queues)] }),
    ...(broken && { broken: broken.map((one) => sentFields(one, queues)) }),
  }
}
