import type { Enqueued } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import { stateOf } from "../../core/task/live.ts"
import type { TaskState } from "../../core/task/status.ts"
import type { Value } from "./client.ts"
import { createGather } from "./gather.ts"
import { BETWEEN, numbers, soughtIds, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** How plain tasks come in: see intake-flows.ts for others. */
export interface Intake {
  /** Stores envelopes whose ids are unknown. */
  add(envelopes: readonly Envelope[]): Promise<readonly Enqueued[]>
  /** The states of the tasks that have these ids here, live, ended or dead. */
  knownStates(ids: readonly string[], now: Millis): Promise<ReadonlyMap<string, TaskState>>
}

export function createIntake({
  work,
  ns,
  queues,
  clock,
}: Pick<Store, "work" | "ns" | "queues" | "clock">): Intake {
  const enqueue = work.sql("SELECT stem.enqueue($1, $2, $3, $4, $5, $6, $7) AS known")
  const states = work.sql(
    `SELECT e.id, t.due, t.attempts, t.holder, coalesce(s.state, CASE WHEN d.id IS NOT NULL THEN 'failed' END) AS state
     FROM unnest(stem.texts($2)) AS e (id)
     LEFT JOIN stem.live t ON t.ns = $1 AND t.id = e.id
     LEFT JOIN stem.statuses s ON s.ns = $1 AND s.id = e.id
     LEFT JOIN stem.dead_letters d ON d.ns = $1 AND d.id = e.id`,
  )
  type StateRow = {
    id: string
    due: string | null
    attempts: number
    holder: string | null
    state: TaskState | null
  }

  async function knownStates(ids: readonly string[], now: Millis): Promise<ReadonlyMap<string, TaskState>> {
    if (ids.length === 0) return new Map()
    const rows = await states.all<StateRow>(ns, soughtIds(ids))
    return new Map(
      rows.flatMap(({ id, due, attempts, holder, state }): [string, TaskState][] => {
        if (due !== null)
          return [[id, stateOf({ attempts, dueAt: Number(due), holder: holder ?? undefined }, now)]]
        return state ? [[id, state]] : []
      }),
    )
  }

  const add = createGather<Envelope, Enqueued>(async (envelopes) => {
    const first = firstOfEach(envelopes)
    const values = envelopeValues(first, await queues.ensure(first.map(({ queue }) => queue)))
    const answer = await enqueue.one<{ known: string | null }>(ns, ...values)
    const now = clock.now()
    const known = answer?.known ? new Set(answer.known.split(BETWEEN)) : undefined
    if (!known && first.length === envelopes.length) return first.map((one) => storedNow(one, now))
    const later = known ? await knownStates([...known], now) : new Map<string, TaskState>()
    const taken = new Map<string, Envelope>()
    return envelopes.map((envelope): Enqueued => {
      const { id } = envelope
      // Known a moment ago and not any more: it has ended without a trace, as results that live elsewhere leave it.
      if (known?.has(id)) return { id, kind: "duplicate", state: later.get(id) ?? "succeeded" }
      const before = taken.get(id)
      if (before) return { ...storedNow(before, now), kind: "duplicate" }
      taken.set(id, envelope)
      return storedNow(envelope, now)
    })
  })

  return { knownStates, add: async (envelopes) => (envelopes.length === 0 ? [] : add(envelopes)) }
}

/** What is answered for a task that was stored just now. */
export const storedNow = ({ id, dueAt }: Envelope, now: Millis): Enqueued => ({
  id,
  kind: "stored",
  state: dueAt > now ? "scheduled" : "queued",
})

const firstOfEach = (envelopes: readonly Envelope[]): readonly Envelope[] => {
  const first = new Map<string, Envelope>()
  for (const envelope of envelopes) if (!first.has(envelope.id)) first.set(envelope.id, envelope)
  return first.size === envelopes.length ? envelopes : [...first.values()]
}

/** Envelopes as statements take them: ids, tasks, queues, ranks, dues, texts. */
export const envelopeValues = (
  envelopes: readonly Envelope[],
  queues: ReadonlyMap<string, number>,
): Value[] => [
  texts(envelopes.map(({ id }) => id)),
  texts(envelopes.map(({ task }) => task)),
  numbers(envelopes.map(({ queue }) => queues.get(queue))),
  numbers(envelopes.map(({ priority }) => 9 - priority)),
  numbers(envelopes.map(({ dueAt }) => dueAt)),
  texts(envelopes.map(encodeEnvelope)),
]
