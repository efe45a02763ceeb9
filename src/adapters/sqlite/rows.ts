import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { decodeEnvelope, type Envelope } from "../../core/task/envelope.ts"
import type { Failure } from "../../core/task/failure.ts"
import { type LiveFacts, statusOf } from "../../core/task/live.ts"
import type { Progress, Replay } from "../../core/task/status.ts"

/** A row of `tasks`. */
export interface TaskRow {
  readonly seq: number
  readonly id: string
  readonly queue: number
  readonly due: Millis
  readonly token: number
  readonly attempts: number
  readonly until: Millis | null
  readonly holder: string | null
  readonly started: Millis | null
  readonly cancel: number
  readonly error: string | null
  readonly progress: string | null
  readonly replays: string | null
  readonly envelope: string
}

/**
 * A whole envelope from a row of `tasks`, with the rest of a chain that is kept apart. Links that are damaged are put
 * in as they are, and lost ones as `lost`: then the envelope can not be read, and whoever reads it will say so.
 */
export const ENVELOPE = `CASE WHEN chain IS NULL THEN envelope ELSE
  substr(envelope, 1, length(envelope) - 1) || ',"then":' || coalesce(
    (SELECT CASE WHEN json_valid(links)
       THEN (SELECT json_group_array(json(value)) FROM json_each(links) WHERE key >= gone) ELSE links END
     FROM chains WHERE chains.chain = tasks.chain), 'lost') || '}' END AS envelope`

export const TASK_COLUMNS = `seq, id, queue, due, token, attempts, until, holder, started, cancel, error, progress,
  replays, ${ENVELOPE}`

/** What a delivery is made of. `head` is the envelope, without its chain where that is kept apart. */
export type LeaseRow = Pick<TaskRow, "seq" | "id" | "token" | "attempts" | "cancel" | "replays"> & {
  readonly head: string
  readonly chain: number | null
  readonly gone: number | null
}
export const LEASE_COLUMNS = "seq, id, token, attempts, cancel, replays, envelope AS head, chain, gone"

/** The cancel mark as it is stored: 0 for none. */
export const CANCEL = { abort: 1, terminate: 2 } as const

/** What everybody knows of a task; the envelope is handed in, for it may be unreadable. */
export const factsOf = (row: TaskRow, envelope: Envelope): LiveFacts => ({
  envelope,
  token: row.token,
  attempts: row.attempts,
  dueAt: row.due,
  holder: row.holder ?? undefined,
  startedAt: row.started ?? undefined,
  error: parsed<Failure>(row.error),
  progress: parsed<Progress>(row.progress),
  replays: replaysOf(row),
})

export const replaysOf = (row: { readonly replays: string | null }): readonly Replay[] =>
  parsed<readonly Replay[]>(row.replays) ?? NONE

const NONE: readonly Replay[] = Object.freeze([])

/** JSON of our own making. */
export const parsed = <T>(text: string | null): T | undefined =>
  text === null ? undefined : (JSON.parse(text) as T)

/** The envelope, or the reason why it can not be read. */
export const readEnvelope = (text: string): Envelope | Error => orError(() => decodeEnvelope(text))

export function orError<T>(read: () => T): T | Error {
  try {
    return read()
  } catch (error) {
    return error as Error
  }
}

/** Stands where an envelope can not be read, so that people see at least the id and the queue. */
export const standIn = (row: TaskRow, queue: string): Envelope => ({
  v: 1,
  id: row.id,
  task: "unreadable",
  input: null,
  queue,
  priority: 0,
  enqueuedAt: row.due,
  dueAt: row.due,
  headers: {},
})

/** A live task as people see it; undefined when it can not be read, for the next reserve will bury it. */
export function liveTask(row: TaskRow, now: Millis): LiveTask | undefined {
  const envelope = readEnvelope(row.envelope)
  return envelope instanceof Error ? undefined : { status: statusOf(factsOf(row, envelope), now), envelope }
}
