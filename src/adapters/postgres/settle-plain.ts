import type { Arrival } from "../../core/task/group.ts"
import { encodeStatus, endOf } from "../../core/task/status.ts"
import type { Settlement } from "../../core/task/verdict.ts"
import type { Value } from "./client.ts"
import { isAnother, isDuplicate } from "./failures.ts"
import { freeValue, isFlow } from "./flow-values.ts"
import { envelopeValues } from "./intake.ts"
import { numbers, placeholders, placesOf, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/**
 * Finishes tasks that succeeded by their first lease and were not renewed meanwhile: nearly all there are. What
 * follows from them may be plain tasks, arrivals in groups, and keys set free. Answers the places, from 1, of those
 * it did nothing about; undefined where it is not for these, and nothing has happened.
 */
export function createSettlePlain({
  work,
  ns,
  clock,
  queues,
}: Pick<Store, "work" | "ns" | "clock" | "queues">) {
  const settle = work.sql(`SELECT stem.settle_plain(${placeholders(11)}) AS others`)
  const settleAfter = work.sql(`SELECT stem.settle_after(${placeholders(23)}) AS others`)

  /** Undefined where nothing follows. */
  async function followValues(batch: readonly Settlement[]): Promise<readonly Value[] | undefined> {
    const next = batch.flatMap((settlement) => settlement.next)
    const arrivals = batch.flatMap(({ arrive }) => arrive ?? [])
    const free = freeValue(batch.map(({ unique }) => unique))
    if (next.length === 0 && arrivals.length === 0 && free === null) return undefined
    const numbered = next.length > 0 ? await queues.ensure(next.map(({ queue }) => queue)) : NONE
    return [clock.now(), free, ...envelopeValues(next, numbered), ...arrivalValues(arrivals)]
  }

  return async (batch: readonly Settlement[]): Promise<readonly number[] | undefined> => {
    if (!batch.every(isSimple)) return undefined
    const statuses = batch.flatMap(({ status }) => status ?? [])
    if (statuses.length > 0 && statuses.length < batch.length) return undefined
    const reservations = countReservations(batch)
    const numbered = [...reservations.keys()]
    const place = new Map(numbered.map((number, at) => [number, at + 1]))
    const follow = await followValues(batch)
    try {
      const answer = await (follow ? settleAfter : settle).one<{ others: unknown }>(
        ...([ns, texts(batch.map(({ lease }) => lease.id)), numbers(numbered)] as const),
        numbers([...reservations.values()]),
        numbers(batch.map(({ lease }) => place.get(lease.reservation as number))),
        numbers(batch.map(({ lease }) => lease.seq)),
        texts(statuses.map(encodeStatus)),
        texts(inOne(statuses.map(({ state }) => state))),
        texts(inOne(statuses.map(({ task }) => task))),
        texts(inOne(statuses.map(({ queue }) => queue))),
        numbers(inOne(statuses.map(endOf))),
        ...(follow ?? []),
      )
      return placesOf(answer?.others)
    } catch (error) {
      // Somebody has put a status where none was known, stored a task again under its id, or, where something
      // follows, given it a lease of its own, arrived in its place, or stored what follows.
      if (isDuplicate(error) || isAnother(error)) return undefined
      throw error
    }
  }
}

/** Groups, in the order in which the last of each arrives; of which of them each is, where in it, and its text. */
function arrivalValues(arrivals: readonly Arrival[]): readonly Value[] {
  const groups = [...new Set(arrivals.map(({ group }) => group).toReversed())].toReversed()
  const place = new Map(groups.map((group, at) => [group, at + 1]))
  return [
    texts(groups),
    numbers(arrivals.map(({ group }) => place.get(group))),
    numbers(arrivals.map(({ index }) => index)),
    texts(arrivals.map(({ group: _, index: __, ...rest }) => JSON.stringify(rest))),
  ]
}

const NONE: ReadonlyMap<string, number> = new Map()

const isSimple = ({ lease, verdict, next, opens, arrive, status }: Settlement): boolean =>
  lease.reservation !== undefined &&
  lease.token === 1 &&
  verdict.kind === "ack" &&
  !next.some(isFlow) &&
  opens === undefined &&
  (arrive === undefined || arrive.ok) &&
  (status === undefined || status.token === 1)

/** How many of them lean on each reservation. */
function countReservations(batch: readonly Settlement[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { lease } of batch) {
    const number = lease.reservation as number
    counts.set(number, (counts.get(number) ?? 0) + 1)
  }
  return counts
}

/** One for all of them, where all are the same. */
const inOne = <Item>(list: readonly Item[]): readonly Item[] =>
  list.every((item) => item === list[0]) ? list.slice(0, 1) : list
