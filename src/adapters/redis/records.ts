import type { LiveTask } from "../../core/contracts/inspector.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { decodeEnvelope, type Envelope } from "../../core/task/envelope.ts"
import type { Failure } from "../../core/task/failure.ts"
import { type Arrival, absenceOf, placeIn } from "../../core/task/group.ts"
import { type LiveFacts, statusOf } from "../../core/task/live.ts"
import {
  decodeStatus,
  encodeStatus,
  endOf,
  type Progress,
  type Replay,
  type TaskStatus,
} from "../../core/task/status.ts"
import type { Store } from "./store.ts"

/** So many tasks at most in one script, so that none blocks the server for long. */
export const CHUNK = 500
/** And so much text. */
export const CHUNK_CHARS = 1_000_000

/** What scripts/read.lua knows of a task. */
export interface Known {
  readonly id: string
  /** The record as it stands; '' when the task is not live. */
  readonly record: string
  readonly envelope: string
  readonly error: string
  readonly progress: string
  readonly replays: string
  /** The state of a task that is not live but remembered; else ''. */
  readonly ended: string
}

export async function readKnown(store: Store, ids: readonly string[]): Promise<readonly Known[]> {
  const parts = (
    await Promise.all(chunks(ids, CHUNK).map((some) => store.run<string[]>("read", some)))
  ).flat()
  return ids.map((id, at) => {
    const [record, task, error, progress, replays, ended] = parts.slice(at * 6, at * 6 + 6) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    return { id, record, envelope: envelopeOf(task), error, progress, replays, ended }
  })
}

const RECORD = /^(\d+) (\d+) \d (\S+) (\S+) (\S+) \d (\S+) \S+ (\S+) (\d) (.*)$/

/** Characters of a place, which a member of a sorted set begins with. */
export const PLACE = 12

/** A record taken apart; scripts/books.lua says what stands in it. */
export function parseRecord(record: string) {
  const [, token, attempts, entry, place, queue, due, started, cancel, holder] = RECORD.exec(
    record,
  ) as unknown as string[]
  const running = entry !== "-"
  return {
    place: place as string,
    token: Number(token),
    attempts: Number(attempts),
    dueAt: Number(due),
    running,
    startedAt: started === "0" ? undefined : Number(started),
    marked: cancel !== "0",
    cancel: Number(cancel),
    queue: queue as string,
    holder: running ? (holder as string) : undefined,
  }
}

/** The ids of the tasks of a reservation, given the fields of its entry in the stream `running`. */
export function tasksOf(fields: readonly string[]): string[] {
  const at = fields.indexOf("tasks")
  return at < 0 ? [] : (fields[at + 1] as string).split(" ")
}

/** What everybody knows of a live task. An envelope that can not be read has a stand-in. */
export function factsOf(known: Known, envelope = readEnvelope(known.envelope)): LiveFacts {
  const { token, attempts, dueAt, holder, startedAt, queue } = parseRecord(known.record)
  return {
    envelope: envelope instanceof Error ? standIn(known.id, queue, dueAt) : envelope,
    ...{ token, attempts, dueAt, holder, startedAt },
    error: parsed<Failure>(known.error),
    progress: parsed<Progress>(known.progress),
    replays: parsed<readonly Replay[]>(known.replays),
  }
}

/** A live task as people see it; undefined when it is not live, or can not be read: the next reserve buries it. */
export function liveTask(known: Known, now: Millis): LiveTask | undefined {
  if (known.record === "") return undefined
  const envelope = readEnvelope(known.envelope)
  if (envelope instanceof Error) return undefined
  return { status: statusOf(factsOf(known, envelope), now), envelope }
}

/** The envelope's text behind the place, queue, priority and due of a text of the hash `tasks`. */
export function envelopeOf(task: string): string {
  let at = 0
  for (let part = 0; part < 4; part++) at = task.indexOf(" ", at) + 1
  return task.slice(at)
}

/** The envelope, or the reason why it can not be read. */
export function readEnvelope(text: string): Envelope | Error {
  try {
    return decodeEnvelope(text)
  } catch (error) {
    return error as Error
  }
}

/** Stands where an envelope can not be read, so that people see at least the id and the queue. */
export const standIn = (id: string, queue: string, at: Millis): Envelope => ({
  ...{
    v: 1,
    id,
    task: "unreadable",
    input: null,
    queue,
    priority: 0,
    enqueuedAt: at,
    dueAt: at,
    headers: {},
  },
})

/** That a task's part in its group is over, even of one that can not be read where its place can. */
export function absenceIn(
  { id, record, envelope: text }: Known,
  envelope: Envelope | Error,
  error: NonNullable<Arrival["error"]>,
): Arrival | undefined {
  if (!(envelope instanceof Error)) return absenceOf(envelope, error)
  const { queue, dueAt } = parseRecord(record)
  const group = placeIn(text)
  return group && absenceOf({ ...standIn(id, queue, dueAt), group }, error)
}

/** JSON of our own making; undefined for ''. */
export const parsed = <T>(text: string): T | undefined => (text === "" ? undefined : (JSON.parse(text) as T))

/** A status as it is stored: what the scripts need of it, then its JSON. */
export function packStatus(status: TaskStatus): string {
  const own = (status.progress ? 1 : 0) + (status.replays?.length ? 2 : 0)
  const ended = endOf(status)
  return `${status.token} ${status.state} ${ended} ${own} ${encodeStatus(status)}`
}

/** The inverse of {@link packStatus}; undefined for ''. */
export const unpackStatus = (text: string): TaskStatus | undefined =>
  text === "" ? undefined : decodeStatus(text.slice(text.indexOf("{")))

export function chunks<T>(list: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size))
  return parts
}

/** Lists of arguments joined into as few scripts as there may be. */
export function batches(items: readonly (readonly string[])[]): { count: number; args: string[] }[] {
  const all: { count: number; args: string[] }[] = []
  let chars = Number.POSITIVE_INFINITY
  for (const item of items) {
    let last = all.at(-1)
    if (!last || last.count >= CHUNK || chars > CHUNK_CHARS) {
      last = { count: 0, args: [] }
      all.push(last)
      chars = 0
    }
    last.count += 1
    for (const text of item) {
      last.args.push(text)
      chars += text.length
    }
  }
  return all
}
