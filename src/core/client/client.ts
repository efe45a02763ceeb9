import type { Broker, Cancelled, Enqueued } from "../contracts/broker.ts"
import type { EventLog } from "../contracts/events.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { Duration } from "../kit/duration.ts"
import { messageOf, StemError, unavailable } from "../kit/errors.ts"
import { uuidv7 } from "../kit/id.ts"
import type { Router } from "../policy/routing.ts"
import type { TaskDefinition } from "../task/define.ts"
import type { Middleware } from "../task/define-middleware.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import { type Flow, isFlow } from "../task/flow.ts"
import type { EnqueueOptions } from "../task/options.ts"
import type { TaskState, TaskStatus } from "../task/status.ts"
import { applyDefinition } from "./definition.ts"
import { type EnvelopeAsk, makeEnvelope } from "./envelope.ts"
import { type EventsOptions, eventsOf, type Told } from "./events.ts"
import {
  beginning,
  endIn,
  type FlowEnd,
  flowOf,
  type GroupView,
  type SentFlow,
  sentAs,
  viewOf,
  waitForFlow,
} from "./flows.ts"
import { waitForTask } from "./wait.ts"

/** A task to enqueue: by its name, or by its definition, which brings its queue, schema and types. */
export interface EnqueueAsk<I = unknown, O = unknown> {
  task: string | TaskDefinition<I, O>
  input?: I
  options?: EnqueueOptions
}

/**
 * A task that was taken: by the store, or, where there is a spool and the store was away, by the spool. Its type
 * remembers what the task returns; nothing of that is there at run time.
 */
export interface Sent<O = unknown> {
  readonly id: TaskId
  readonly kind: Enqueued["kind"] | "spooled"
  readonly state: TaskState | "spooled"
  /** Where it went, or would have gone had it not been a duplicate. */
  readonly queue: string
  readonly [RETURNS]?: O
}
declare const RETURNS: unique symbol

/** What is known of a task, with the type of its result. */
export type StatusOf<O> = Omit<TaskStatus, "result"> & { readonly result?: O }

/** A task by its id, or by what enqueue answered. */
export type TaskRef<O = unknown> = TaskId | Sent<O>

/**
 * What a program does with Stem. Every method answers after the store has committed, and throws a StemError:
 * `invalid` for bad input (nothing was stored), `unavailable` when the store can not be used.
 */
export interface Client {
  /**
   * Stores one task. `kind` is "duplicate" when the id was known; nothing changed then. It is "spooled" when the store
   * was away and the spool has kept the task, which is delivered later under the same id.
   */
  enqueue<I, O>(task: string | TaskDefinition<I, O>, input?: I, options?: EnqueueOptions): Promise<Sent<O>>
  /**
   * Stores a flow: from then on the store carries it on. `kind` is "duplicate" when its first task was known. Throws
   * `unavailable`, also where there is a spool, for a flow that begins with a group.
   */
  enqueue(flow: Flow): Promise<SentFlow>
  /**
   * Stores many, in order. All of them are checked before the first is stored; with `after` that is done meanwhile, and
   * they are stored once it resolves. When it rejects so does this, and none of them is stored.
   */
  enqueueMany<I, O>(
    asks: readonly EnqueueAsk<I, O>[],
    options?: { readonly after?: Promise<unknown> },
  ): Promise<readonly Sent<O>[]>
  /** What is known of a task, waiting, running or ended; undefined when the store does not know it. */
  result<O>(task: TaskRef<O>): Promise<StatusOf<O> | undefined>
  /**
   * Waits for the task to end and answers its status, whichever process ran it; after `timeout` the latest
   * status. Throws `unknown_task_id` when the store does not know it.
   */
  wait<O>(task: TaskRef<O>, options?: { timeout?: Duration; signal?: AbortSignal }): Promise<StatusOf<O>>
  /**
   * Waits for a flow to end, wherever its steps ran: at its last step, or at the first that failed; undefined after
   * `timeout`.
   */
  waitForFlow(
    flow: Pick<SentFlow, "trail">,
    options?: { timeout?: Duration; signal?: AbortSignal },
  ): Promise<FlowEnd | undefined>
  /** A group with all that has arrived; undefined when the store does not know it. */
  group(id: string): Promise<GroupView | undefined>
  cancel(ids: readonly TaskId[], how?: { terminate?: boolean }): Promise<readonly Cancelled[]>
  /**
   * What happens, as it happens, to every task of the store. It goes on where it was when the store was away. Keep an
   * event's `cursor` to go on from there in another process; a `gap` says that events were removed before they were
   * read.
   */
  events(options?: EventsOptions): AsyncGenerator<Told, void, undefined>
  close(): Promise<void>
}

/** The parts a client works with; all may be of one driver. */
export interface ClientParts {
  broker: Pick<Broker, "enqueue" | "cancel">
  inspector: Pick<Inspector, "find">
  results: Pick<ResultBackend, "get" | "wait">
  groups: Pick<Groups, "get" | "arrivals">
  events: Pick<EventLog, "read" | "wait" | "position">
  clock: Clock
  /** Takes what the store can not take now, told why. Without it `unavailable` is thrown. */
  keep?: (envelopes: readonly Envelope[], why: StemError) => Promise<void>
  /** Headers that every task is sent with, unless it brings its own of that name. */
  trace?: () => Readonly<Record<string, string>>
  /** Where tasks go about which their senders said nothing. */
  router?: Router
  /** Around everything that is sent, the first outermost. */
  middleware?: readonly Middleware[] | undefined
  close(): Promise<void>
}

/** How many envelopes one call to the store carries. */
const BATCH = 1000
/** How long after a failure the store is not asked again, so that a file of tasks does not wait for every batch. */
export const LEFT_ALONE: Millis = 5000

/** A client of these parts. It keeps nothing of its own: closing it closes them. */
export function createClient(parts: ClientParts): Client {
  const { broker, inspector, results, clock, trace, router, close } = parts
  const chain = parts.middleware?.some(({ enqueue }) => enqueue) ? parts.middleware : undefined
  let away: { readonly why: StemError; readonly until: Millis } | undefined

  const envelopeOf = (ask: EnvelopeAsk) => {
    if (!trace) return makeEnvelope(clock, ask, router)
    const { options } = ask
    const traced = { ...ask, options: { ...options, headers: { ...trace(), ...options?.headers } } }
    return makeEnvelope(clock, traced, router)
  }

  async function checked(ask: EnqueueAsk, now: Millis): Promise<EnvelopeAsk> {
    if (isNamed(ask)) return ask
    const { task, input, options = {} } = ask
    return applyDefinition(task as TaskDefinition, input, options, now)
  }

  async function envelopesOf(asks: readonly EnqueueAsk[]): Promise<readonly Envelope[]> {
    if (asks.every(isNamed)) return asks.map(envelopeOf)
    const now = clock.now()
    return Promise.all(asks.map(async (ask) => envelopeOf(await checked(ask, now))))
  }

  async function sendWithin(chain: readonly Middleware[], asks: readonly EnqueueAsk[]) {
    const now = clock.now()
    const ready = await Promise.all(asks.map((ask) => checked(ask, now)))
    const { sendTogether } = await import("./through.ts")
    return sendTogether(
      chain,
      ready.map(({ task, input = null, options: { id = uuidv7(clock), ...options } = {} }) => ({
        ...{ id, task, input, options },
      })),
      ({ id, input, options }, at) =>
        envelopeOf({ ...(ready[at] as EnvelopeAsk), input, options: { ...options, id } }),
      sendAll,
    )
  }

  /** Two batches at a time: while the store takes one the next is made ready. Ends when none is under way. */
  async function sendInOrder(batches: readonly (readonly Envelope[])[]): Promise<readonly Sent<never>[]> {
    const answers: (readonly Sent<never>[])[] = []
    let before: Promise<unknown> = Promise.resolve()
    try {
      for (const [at, batch] of batches.entries()) {
        const sending = send(batch).then((sent) => {
          answers[at] = sent
        })
        sending.catch(() => {})
        // What a spool keeps is to be in order too.
        if (parts.keep) await sending
        const earlier = before
        before = sending
        await earlier
      }
    } finally {
      await before
    }
    return answers.length === 1 ? (answers[0] ?? []) : answers.flat()
  }

  async function send(envelopes: readonly Envelope[]): Promise<readonly Sent<never>[]> {
    if (!parts.keep) return placed(envelopes, await broker.enqueue(envelopes))
    if (away === undefined || clock.monotonic() >= away.until)
      try {
        away = undefined
        return placed(envelopes, await broker.enqueue(envelopes))
      } catch (error) {
        if (!(error instanceof StemError) || error.kind !== "unavailable") throw error
        away = { why: error, until: clock.monotonic() + LEFT_ALONE }
      }
    const { why } = away
    try {
      await parts.keep(envelopes, why)
    } catch (error) {
      const hint = error instanceof StemError ? error.hint : undefined
      throw unavailable("spool_failed", `${why.message}; and the spool: ${messageOf(error)}`, hint, error)
    }
    return envelopes.map(({ id, queue }) => ({ id, kind: "spooled", state: "spooled", queue }))
  }

  async function lookUp<O>(task: TaskRef<O>): Promise<StatusOf<O> | undefined> {
    return (await find(idOf(task))) as StatusOf<O> | undefined
  }

  const find = async (id: TaskId) => {
    const [ended] = await results.get([id])
    if (ended) return ended
    const [live] = await inspector.find([id])
    // It may have ended between the two looks.
    return live?.status ?? (await results.get([id]))[0]
  }

  async function enqueueFlow(flow: Flow): Promise<SentFlow> {
    const laid = await flowOf(flow, clock, chain ?? [], envelopeOf)
    const { id, trail, envelopes, groups } = laid
    if (groups.length === 0) return sentAs(laid, (await sendAll(envelopes))[0] as Sent)
    // A spool keeps tasks, not groups. These are opened last: a call that failed in between can be made again.
    let sent: Pick<SentFlow, "kind" | "first"> = { kind: "stored" }
    for (let at = 0; at < envelopes.length; at += BATCH) {
      const [first] = await broker.enqueue(envelopes.slice(at, at + BATCH))
      if (at === 0 && first) sent = beginning(id, envelopes[0] as Envelope, first)
    }
    await broker.enqueue([], groups)
    return { id, trail, ...sent }
  }

  async function sendAll(envelopes: readonly Envelope[]): Promise<readonly Sent<never>[]> {
    if (envelopes.length <= BATCH) return envelopes.length === 0 ? [] : send(envelopes)
    const batches: (readonly Envelope[])[] = []
    for (let at = 0; at < envelopes.length; at += BATCH) batches.push(envelopes.slice(at, at + BATCH))
    return sendInOrder(batches)
  }

  async function enqueueTask<I, O>(task: string | TaskDefinition<I, O>, input?: I, options?: EnqueueOptions) {
    const [sent] = await client.enqueueMany<I, O>([
      { task, ...(input !== undefined && { input }), ...(options && { options }) },
    ])
    return sent as Sent<O>
  }

  const client: Client = {
    // One name for both: a flow is a task that is larger.
    enqueue: ((what: string | TaskDefinition | Flow, input?: unknown, options?: EnqueueOptions) =>
      isFlow(what) ? enqueueFlow(what) : enqueueTask(what, input, options)) as Client["enqueue"],

    async enqueueMany(asks, { after } = {}) {
      const given = asks as readonly EnqueueAsk[]
      const ready = chain ? undefined : await envelopesOf(given)
      if (after) await after
      return chain ? sendWithin(chain, given) : sendAll(ready as readonly Envelope[])
    },

    result: lookUp,

    wait: (task, options) => waitForTask(parts, idOf(task), find, options) as Promise<StatusOf<never>>,

    async waitForFlow({ trail }, { timeout, signal } = {}) {
      return waitForFlow(parts, trail, endIn(clock, timeout), signal)
    },

    group: (id) => viewOf(parts.groups, id),

    async cancel(ids, { terminate = false } = {}) {
      const answers = await broker.cancel(ids, { terminate })
      const over = answers.filter((answer) => answer.kind === "unknown").map((answer) => answer.id)
      const ended = new Set((await results.get(over)).flatMap((status) => (status ? [status.id] : [])))
      return answers.map((answer) => (ended.has(answer.id) ? { id: answer.id, kind: "ended" } : answer))
    },

    events: eventsOf(parts.events, clock),

    close,
  }
  return client
}

const placed = (envelopes: readonly Envelope[], answers: readonly Enqueued[]): readonly Sent<never>[] =>
  answers.map(({ id, kind, state }, at) => ({ id, kind, state, queue: (envelopes[at] as Envelope).queue }))

/** Whether it names its task, which brings nothing of its own then. */
const isNamed = (ask: EnqueueAsk): ask is EnqueueAsk & { task: string } => typeof ask.task === "string"

const idOf = (task: TaskRef): TaskId => (typeof task === "string" ? task : task.id)
