import type { Millis } from "../../core/kit/clock.ts"
import { type Failure, toFailure } from "../../core/task/failure.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import { encodeStatus, type TaskStatus } from "../../core/task/status.ts"
import { factsOf, readEnvelope, standIn, type TaskRow } from "./rows.ts"
import { BETWEEN, numbers, plain, texts } from "./sql-values.ts"
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
  readonly row: TaskRow
  readonly status: TaskStatus
  readonly reason?: Failure
}

export function createEndings({ work, ns, queues }: Pick<Store, "work" | "ns" | "queues">): Endings {
  const finish = work.sql("SELECT stem.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS ended")

  async function end(endings: readonly Ending[], now: Millis): Promise<readonly string[]> {
    if (endings.length === 0) return []
    const of = (text: (ending: Ending) => string | undefined) => texts(endings.map(text))
    const rows = endings.map(({ row }) => row)
    const answer = await finish.one<{ ended: string | null }>(
      ...([ns, now, of(({ row }) => row.id), numbers(rows.map(({ token }) => token))] as const),
      `{${rows.map(({ until }) => until !== null).join(",")}}`,
      of(({ reason }) => reason && JSON.stringify(reason)),
      of(({ reason }) => reason && soughtIn(reason)),
      ...([of(({ status }) => encodeStatus(status)), of(({ status }) => status.state)] as const),
      ...([of(({ status }) => status.task), of(({ status }) => status.queue)] as const),
    )
    return answer?.ended?.split(BETWEEN) ?? []
  }

  return {
    async cancel(rows, now) {
      const endings = rows.map((row): Ending => {
        const envelope = readEnvelope(row.envelope)
        const known =
          envelope instanceof Error ? standIn(row, row.name ?? queues.nameOf(row.queue)) : envelope
        return { row, status: endedStatusOf(factsOf(row, known), "cancelled", now) }
      })
      const ended = new Set(await end(endings, now))
      return new Map(endings.flatMap(({ row, status }) => (ended.has(row.id) ? [[row.id, status]] : [])))
    },

    async buryUnreadable(rows, now) {
      const endings = rows.map((row): Ending => {
        const envelope = standIn(row, queues.nameOf(row.queue))
        const reason = toFailure(readEnvelope(row.envelope))
        const status = endedStatusOf(factsOf({ ...row, holder: null }, envelope), "failed", now)
        return { row, status: { ...status, error: reason }, reason }
      })
      await end(endings, now)
    },
  }
}

/** What a search for an error looks through. */
export const soughtIn = ({ name, code = "", message }: Failure): string =>
  [name, code, message].map((text) => plain(text.toLowerCase())).join("\u0001")
