import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { type Failure, toFailure } from "../../core/task/failure.ts"
import { type Arrival, absenceOf, CANCELLED_MEMBER, placeIn } from "../../core/task/group.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import { encodeStatus, type TaskStatus } from "../../core/task/status.ts"
import type { Value } from "./client.ts"
import { freeValue } from "./flow-values.ts"
import { type Act, actValues } from "./joins.ts"
import { factsOf, readEnvelope, standIn, type TaskRow } from "./rows.ts"
import { BETWEEN, numbers, placeholders, plain, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** How tasks leave `tasks`, other than by an ordinary settlement. */
export interface Endings {
  /**
   * Ends tasks as cancelled that are still as they were when these rows were read; answers, by id, the statuses
   * that were written.
   */
  cancel(rows: readonly TaskRow[], now: Millis): Promise<ReadonlyMap<string, TaskStatus>>
  /** Ends tasks whose envelopes can not be read: dead letters that keep the text, and failed statuses. */
  buryUnreadable(rows: readonly TaskRow[], now: Millis): Promise<void>
}

interface Ending {
  /** As it could be read. */
  readonly envelope: Envelope | Error
  readonly row: TaskRow
  readonly status: TaskStatus
  readonly reason?: Failure
}

export function createEndings({ work, ns, queues }: Pick<Store, "work" | "ns" | "queues">): Endings {
  const finish = work.sql("SELECT stem.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS ended")

  const finishFlows = work.sql(`SELECT stem.finish_flows(${placeholders(18)}) AS ended`)

  async function end(endings: readonly Ending[], now: Millis): Promise<readonly string[]> {
    if (endings.length === 0) return []
    const of = (text: (ending: Ending) => string | undefined) => texts(endings.map(text))
    const rows = endings.map(({ row }) => row)
    const follows = followValues(endings)
    const answer = await (follows.length > 0 ? finishFlows : finish).one<{ ended: string | null }>(
      ...([ns, now, of(({ row }) => row.id), numbers(rows.map(({ token }) => token))] as const),
      `{${rows.map(({ until }) => until !== null).join(",")}}`,
      of(({ reason }) => reason && JSON.stringify(reason)),
      of(({ reason }) => reason && soughtIn(reason)),
      ...([of(({ status }) => encodeStatus(status)), of(({ status }) => status.state)] as const),
      ...([of(({ status }) => status.task), of(({ status }) => status.queue)] as const),
      ...follows,
    )
    return answer?.ended?.split(BETWEEN) ?? []
  }

  return {
    async cancel(rows, now) {
      const endings = rows.map((row): Ending => {
        const envelope = readEnvelope(row.envelope)
        const known =
          envelope instanceof Error ? standIn(row, row.name ?? queues.nameOf(row.queue)) : envelope
        return { row, envelope, status: endedStatusOf(factsOf(row, known), "cancelled", now) }
      })
      const ended = new Set(await end(endings, now))
      return new Map(endings.flatMap(({ row, status }) => (ended.has(row.id) ? [[row.id, status]] : [])))
    },

    async buryUnreadable(rows, now) {
      const endings = rows.map((row): Ending => {
        const envelope = readEnvelope(row.envelope)
        const reason = toFailure(envelope)
        const known = standIn(row, queues.nameOf(row.queue))
        const status = endedStatusOf(factsOf({ ...row, holder: null }, known), "failed", now)
        return { row, envelope, status: { ...status, error: reason }, reason }
      })
      await end(endings, now)
    },
  }
}

/** The keys they set free, and the places in groups where they are missed; nothing where there is neither. */
function followValues(endings: readonly Ending[]): readonly Value[] {
  const free = freeValue(
    endings.map(({ envelope }) => (envelope instanceof Error ? undefined : envelope.unique?.key)),
  )
  const acts = endings.flatMap((ending, at): Act[] => {
    const arrive = absenceIn(ending)
    return arrive ? [{ of: at + 1, arrive }] : []
  })
  if (free === null && acts.length === 0) return []
  return [free, ...actValues(acts, new Map()).arrivals]
}

/** Its group hears that a member is gone, even of one that can not be read where its place can. */
function absenceIn({ row, envelope, reason = CANCELLED_MEMBER }: Ending): Arrival | undefined {
  if (!(envelope instanceof Error)) return absenceOf(envelope, reason)
  const group = placeIn(row.envelope)
  return group && absenceOf({ ...standIn(row, ""), group }, reason)
}

/** What a search for an error looks through. */
export const soughtIn = ({ name, code = "", message }: Failure): string =>
  [name, code, message].map((text) => plain(text.toLowerCase())).join("\u0001")
