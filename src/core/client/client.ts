import type { Broker, Cancelled, Enqueued } from "../contracts/broker.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { Clock } from "../kit/clock.ts"
import { type Duration, parseDuration } from "../kit/duration.ts"
import { StemError } from "../kit/errors.ts"
import type { EnqueueOptions } from "../task/context.ts"
import type { TaskDefinition } from "../task/define.ts"
import type { TaskId } from "../task/envelope.ts"
import { isEnded, type TaskStatus } from "../task/status.ts"
import { applyDefinition } from "./definition.ts"
import { type EnvelopeAsk, makeEnvelope } from "./envelope.ts"

/** A task to enqueue: by its name, or by its definition, which brings its queue, schema and types. */
export interface EnqueueAsk<I = unknown, O = unknown> {
  task: string | TaskDefinition<I, O>
  input?: I
  options?: EnqueueOptions
}

/**
 * What a program does with Stem. Every method answers after the store has committed, and throws a StemError:
 * `invalid` for bad input (nothing was stored), `unavailable` when the store can not be used.
 */
export interface Client {
  /** Stores one task. `kind` is "duplicate" when the id was known; nothing changed then. */
  enqueue<I, O>(task: string | TaskDefinition<I, O>, input?: I, options?: EnqueueOptions): Promise<Enqueued>
  /** Stores many, in order. All of them are checked before the first is stored. */
  enqueueMany(asks: readonly EnqueueAsk[]): Promise<readonly Enqueued[]>
  /** What is known of a task, waiting, running or ended; undefined when the store does not know it. */
  result(id: TaskId): Promise<TaskStatus | undefined>
  /**
   * Waits for the task to end and answers its status, whichever process ran it; after `timeout` the latest
   * status. Throws `unknown_task_id` when the store does not know it.
   */
  wait(id: TaskId, options?: { timeout?: Duration; signal?: AbortSignal }): Promise<TaskStatus>
  cancel(ids: readonly TaskId[], how?: { terminate?: boolean }): Promise<readonly Cancelled[]>
  close(): Promise<void>
}

/** The parts a client works with; both may be of one driver. */
export interface ClientParts {
  broker: Broker
  inspector: Inspector
  results: ResultBackend
  clock: Clock
  close(): Promise<void>
}

/** How many envelopes one call to the store carries. */
const BATCH = 1000

export function createClient({ broker, inspector, results, clock, close }: ClientParts): Client {
  const envelopeOf = async ({ task, input, options }: EnqueueAsk, now: number) => {
    const ask: EnvelopeAsk =
      typeof task === "string"
        ? { task, input, ...(options && { options }) }
        : await applyDefinition(task, input, options ?? {}, now)
    return makeEnvelope(clock, ask)
  }

  const result = async (id: TaskId) => {
    const [ended] = await results.get([id])
    if (ended) return ended
    const [live] = await inspector.find([id])
    // It may have ended between the two looks.
    return live?.status ?? (await results.get([id]))[0]
  }

  const client: Client = {
    async enqueue(task, input, options) {
      const [stored] = await client.enqueueMany([{ task, input, ...(options && { options }) } as EnqueueAsk])
      return stored as Enqueued
    },

    async enqueueMany(asks) {
      const now = clock.now()
      const envelopes = await Promise.all(asks.map((ask) => envelopeOf(ask, now)))
      const answers: Enqueued[] = []
      for (let at = 0; at < envelopes.length; at += BATCH)
        answers.push(...(await broker.enqueue(envelopes.slice(at, at + BATCH))))
      return answers
    },

    result,

    async wait(id, { timeout, signal } = {}) {
      const known = await result(id)
      if (!known)
        throw new StemError("missing", "unknown_task_id", `no task has the id ${id}`, {
          hint: "Its result may have been removed after its retention; see `stem config`.",
        })
      if (isEnded(known.state)) return known
      const until = timeout === undefined ? Number.POSITIVE_INFINITY : clock.now() + parseDuration(timeout)
      return (await results.wait(id, until, signal)) ?? (await result(id)) ?? known
    },

    async cancel(ids, { terminate = false } = {}) {
      const answers = await broker.cancel(ids, { terminate })
      const over = answers.filter((answer) => answer.kind === "unknown").map((answer) => answer.id)
      const ended = new Set((await results.get(over)).flatMap((status) => (status ? [status.id] : [])))
      return answers.map((answer) => (ended.has(answer.id) ? { id: answer.id, kind: "ended" } : answer))
    },

    close,
  }
  return client
}
