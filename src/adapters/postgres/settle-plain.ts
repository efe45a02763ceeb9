import { encodeStatus, type TaskStatus } from "../../core/task/status.ts"
import type { Settlement } from "../../core/task/verdict.ts"
import { isAnother, isDuplicate } from "./failures.ts"
import { numbers, placesOf, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/**
 * Finishes tasks that succeeded by their first lease, were not renewed meanwhile, and have nothing after them: nearly
 * all there are. Answers the places, from 1, of those it did nothing about; undefined where it is not for these.
 */
export function createSettlePlain({ work, ns }: Pick<Store, "work" | "ns">) {
  const settle = work.sql("SELECT stem.settle_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS others")

  return async (batch: readonly Settlement[]): Promise<readonly number[] | undefined> => {
    if (!batch.every(isSimple)) return undefined
    const statuses = batch.flatMap(({ status }) => status ?? [])
    if (statuses.length > 0 && statuses.length < batch.length) return undefined
    const reservations = countReservations(batch)
    const numbered = [...reservations.keys()]
    const place = new Map(numbered.map((number, at) => [number, at + 1]))
    try {
      const answer = await settle.one<{ others: unknown }>(
        ...([ns, texts(batch.map(({ lease }) => lease.id)), numbers(numbered)] as const),
        numbers([...reservations.values()]),
        numbers(batch.map(({ lease }) => place.get(lease.reservation as number))),
        numbers(batch.map(({ lease }) => lease.seq)),
        texts(statuses.map(encodeStatus)),
        texts(inOne(statuses.map(({ state }) => state))),
        texts(inOne(statuses.map(({ task }) => task))),
        texts(inOne(statuses.map(({ queue }) => queue))),
        numbers(inOne(statuses.map(endOf))),
      )
      return placesOf(answer?.others)
    } catch (error) {
      // Somebody has put a status where none was known, or stored a task again under its id.
      if (isDuplicate(error) || isAnother(error)) return undefined
      throw error
    }
  }
}

const isSimple = ({ lease, verdict, next, opens, arrive, unique, status }: Settlement): boolean =>
  lease.reservation !== undefined &&
  lease.token === 1 &&
  verdict.kind === "ack" &&
  next.length === 0 &&
  opens === undefined &&
  arrive === undefined &&
  unique === undefined &&
  (status === undefined || status.token === 1)

const endOf = (status: TaskStatus) => status.finishedAt ?? status.enqueuedAt

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
