import type { Millis } from "../kit/clock.ts"
import type { EventKind, StoredEvent } from "./event.ts"
import { stepBefore } from "./steps.ts"

/**
 * A batch of events as one text. Events that follow each other and differ in their task's id alone share what they
 * have in common, for a store takes thousands of them a second: a run is a tenth of the same events one by one.
 */
export function encodeEvents(events: readonly StoredEvent[]): string {
  const parts: (Run | Whole)[] = []
  let run: Run | undefined
  for (const event of events) {
    if (!isPlain(event)) {
      run = undefined
      parts.push({ e: event })
      continue
    }
    if (run === undefined || !continues(run, event)) {
      run = runOf(event)
      parts.push(run)
    }
    run.i.push(event.id as string)
    run.d.push(event.at - run.s)
    if (event.ms !== undefined) run.m?.push(event.ms)
    if (event.parent !== undefined)
      run.p?.push(event.parent === stepBefore(event.id as string) ? 0 : event.parent)
  }
  return JSON.stringify(parts)
}

/** The events of a batch, in order. Throws nothing: what can not be read is left out. */
export function decodeEvents(text: string): StoredEvent[] {
  let parts: readonly (Run | Whole)[]
  try {
    parts = JSON.parse(text) as readonly (Run | Whole)[]
  } catch {
    return []
  }
  return parts.flatMap((part) => ("e" in part ? [part.e] : eventsOf(part)))
}

/** Events of one kind, task, queue, attempt and worker. */
interface Run {
  readonly k: EventKind
  readonly t: string
  readonly q: string
  readonly n?: number | undefined
  readonly w?: string | undefined
  /** The first one's instant. */
  readonly s: Millis
  /** The tasks' ids, each one's distance from that instant, and how long each ran. */
  readonly i: string[]
  readonly d: number[]
  readonly m?: Millis[] | undefined
  /** Their parents; 0 for the task before it in its chain. */
  readonly p?: (string | 0)[] | undefined
}

interface Whole {
  readonly e: StoredEvent
}

const isPlain = (event: StoredEvent) =>
  event.id !== undefined &&
  event.task !== undefined &&
  event.queue !== undefined &&
  event.error === undefined &&
  event.dueAt === undefined &&
  event.schedule === undefined &&
  event.nominalAt === undefined &&
  event.count === undefined

const continues = (run: Run, event: StoredEvent) =>
  run.k === event.kind &&
  run.t === event.task &&
  run.q === event.queue &&
  run.n === event.attempt &&
  run.w === event.worker &&
  (run.m === undefined) === (event.ms === undefined) &&
  (run.p === undefined) === (event.parent === undefined)

const runOf = ({ kind, task, queue, attempt, worker, at, ms, parent }: StoredEvent): Run => ({
  ...{ k: kind, t: task as string, q: queue as string, n: attempt, w: worker, s: at },
  ...{ i: [], d: [], m: ms === undefined ? undefined : [], p: parent === undefined ? undefined : [] },
})

const eventsOf = ({ k, t, q, n, w, s, i, d, m, p }: Run): StoredEvent[] =>
  i.map((id, at) => ({
    ...{ kind: k, at: s + (d[at] ?? 0), id, task: t, queue: q },
    ...(n !== undefined && { attempt: n }),
    ...(w !== undefined && { worker: w }),
    ...(m && { ms: m[at] as number }),
    ...(p && { parent: p[at] === 0 ? stepBefore(id) : p[at] }),
  }))
