import type { Broker } from "../contracts/broker.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { ScheduleStore, Sent } from "../contracts/schedules.ts"
import type { Clock } from "../kit/clock.ts"
import type { Envelope } from "../task/envelope.ts"
import type { EventKind, StoredEvent } from "../task/event.ts"

type Record = (event: StoredEvent) => void

interface Told {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly schedules: ScheduleStore
  readonly results: Pick<ResultBackend, "get">
}

/** The parts of a store, which tell of every change that is made through them, once the store has it. */
export function recorded<P extends Told>(parts: P, record: Record, clock: Clock): P {
  const { broker, inspector, schedules } = parts
  return {
    ...parts,
    broker: { ...broker, ...recordedBroker(parts, record, clock) },
    inspector: {
      ...inspector,
      ...recordedDesk(inspector, record, clock),
      deadLetters: { ...inspector.deadLetters, replay: recordedReplay(inspector, record, clock) },
    },
    schedules: { ...schedules, ...recordedFirings(schedules, record, clock) },
  }
}

/** That a task was stored. */
function enqueued({ id, task, queue, dueAt, parent }: Envelope, now: number): StoredEvent {
  const event = { kind: "enqueued", at: now, id, task, queue } as const
  // Nearly all are due at once, and most of these come from a sender.
  if (dueAt <= now) return parent === undefined ? event : { ...event, parent }
  return { ...event, dueAt, ...(parent !== undefined && { parent }) }
}

function recordedBroker({ broker, inspector, results }: Told, record: Record, clock: Clock) {
  /** Those that the store has. A settlement says nothing of what follows from it, and a key may have refused it. */
  async function stored(next: readonly Envelope[]): Promise<readonly Envelope[]> {
    const doubtful = next.flatMap(({ id, unique }) => (unique ? [id] : []))
    if (doubtful.length === 0) return next
    // What can not be asked is told: it is more likely than not.
    const look = async (): Promise<readonly unknown[]> => {
      const [live, ended] = await Promise.all([inspector.find(doubtful), results.get(doubtful)])
      return doubtful.map((_, at) => live[at] ?? ended[at])
    }
    const found = await look().catch(() => doubtful)
    const refused = new Set(doubtful.filter((_, at) => found[at] === undefined))
    return next.filter(({ id }) => !refused.has(id))
  }

  return {
    enqueue: async (envelopes, ...more) => {
      const answers = await broker.enqueue(envelopes, ...more)
      const now = clock.now()
      for (const [at, envelope] of envelopes.entries())
        if (answers[at]?.kind === "stored") record(enqueued(envelope, now))
        else if (answers[at]?.kind === "replaced")
          record({ ...enqueued(envelope, now), kind: "replaced", id: answers[at].id })
      return answers
    },

    settle: async (settlements, ...more) => {
      const answers = await broker.settle(settlements, ...more)
      for (let at = 0; at < settlements.length; at++) {
        const next = settlements[at]?.next ?? []
        if (next.length > 0 && answers[at] === "settled")
          for (const envelope of await stored(next)) record(enqueued(envelope, clock.now()))
      }
      return answers
    },

    reclaim: async (ask) => {
      const deliveries = await broker.reclaim(ask)
      for (const { envelope, attempt } of deliveries) {
        const { id, task, queue } = envelope
        record({ kind: "reclaimed", at: clock.now(), id, task, queue, attempt, worker: ask.holder })
      }
      return deliveries
    },

    cancel: async (ids, how) => {
      const answers = await broker.cancel(ids, how)
      const asked = answers.flatMap(({ id, kind }) => (kind === "asked" ? [id] : []))
      for (const { id, kind, status } of answers)
        if (kind === "cancelled")
          record({ kind, at: clock.now(), id, ...(status && { task: status.task, queue: status.queue }) })
      await recordFound(asked, "cancel_asked", inspector, record, clock)
      return answers
    },
  } satisfies Partial<Broker>
}

function recordedDesk(inspector: Inspector, record: Record, clock: Clock) {
  const told = (kind: EventKind, act: (queue: string) => Promise<boolean>) => async (queue: string) => {
    const changed = await act(queue)
    if (changed) record({ kind, at: clock.now(), queue })
    return changed
  }
  return {
    pause: told("queue_paused", inspector.pause),
    resume: told("queue_resumed", inspector.resume),
    purge: async (queue, max) => {
      const count = await inspector.purge(queue, max)
      if (count > 0) record({ kind: "queue_purged", at: clock.now(), queue, count })
      return count
    },
  } satisfies Partial<Inspector>
}

const recordedReplay =
  (inspector: Inspector, record: Record, clock: Clock): Inspector["deadLetters"]["replay"] =>
  async (asks) => {
    const ids = await inspector.deadLetters.replay(asks)
    await recordFound(ids, "replayed", inspector, record, clock)
    return ids
  }

/** What is said of tasks by their ids alone is looked up, so that it can be found by task and by queue. */
async function recordFound(
  ids: readonly string[],
  kind: EventKind,
  inspector: Inspector,
  record: Record,
  clock: Clock,
): Promise<void> {
  if (ids.length === 0) return
  const found = await inspector.find(ids).catch(() => [])
  for (const [at, id] of ids.entries()) {
    const status = found[at]?.status
    record({ kind, at: clock.now(), id, ...(status && { task: status.task, queue: status.queue }) })
  }
}

function recordedFirings(schedules: ScheduleStore, record: Record, clock: Clock) {
  const fired = (schedule: string, nominalAt: number, sent: Sent) => {
    const now = clock.now()
    const about = "envelope" in sent ? sent.envelope : undefined
    const id = about ? about.id : (sent as { id: string }).id
    record({
      ...{ kind: "schedule_fired", at: now, schedule, nominalAt, id },
      ...(about && { task: about.task, queue: about.queue }),
    })
    if (about) record(enqueued(about, now))
  }
  return {
    commit: async (turns) => {
      const answers = await schedules.commit(turns)
      for (const [at, { lease, firings }] of turns.entries()) {
        const answer = answers[at]
        if (answer?.kind !== "committed") continue
        for (const [place, firing] of firings.entries())
          if (answer.firings[place] === "fired" && !("skipped" in firing))
            fired(lease.id, firing.nominalAt, firing)
      }
      return answers
    },

    fire: async (asks) => {
      const answers = await schedules.fire(asks)
      for (const [at, ask] of asks.entries()) if (answers[at] === "fired") fired(ask.name, ask.nominalAt, ask)
      return answers
    },
  } satisfies Partial<ScheduleStore>
}
