import type { Broker, Enqueued } from "../contracts/broker.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import { type ByHand, type Firing, HISTORY, type ScheduleStore } from "../contracts/schedules.ts"
import type { Clock } from "../kit/clock.ts"
import type { TaskStatus } from "../task/status.ts"

/**
 * A broker whose ended tasks are remembered elsewhere. What one store does in a step is done here in an order in
 * which every step may be done again: status, follow-ups, lease. A crash in between runs the task again; ids of
 * follow-ups are derived, and of two statuses the one with the higher token stays, so nothing is counted twice.
 */
export function splitBroker(broker: Broker, results: ResultBackend): Broker {
  return {
    ...broker,

    async enqueue(envelopes) {
      const ended = await results.get(envelopes.map(({ id }) => id))
      const fresh = envelopes.filter((_, at) => !ended[at])
      const stored = (await broker.enqueue(fresh)).values()
      return ended.map(
        (status): Enqueued =>
          status
            ? { id: status.id, kind: "duplicate", state: status.state }
            : (stored.next().value as Enqueued),
      )
    },

    async settle(settlements) {
      await results.put(settlements.flatMap(({ status }) => status ?? []))
      const next = settlements.flatMap((settlement) => settlement.next)
      if (next.length > 0) await broker.enqueue(next)
      return broker.settle(settlements.map(({ lease, verdict }) => ({ lease, verdict, next: [] })))
    },

    async cancel(ids, how) {
      const answers = await broker.cancel(ids, how)
      await results.put(answers.flatMap(({ status }) => status ?? []))
      return answers
    },
  }
}

/**
 * The operator's desk over two stores: purged tasks are written to the results, and a task that came back from the
 * dead letters no longer shows its old end.
 */
export function splitInspector(
  inspector: Inspector,
  ended: Inspector["ended"],
  results: ResultBackend,
  clock: Clock,
): Inspector {
  return {
    ...inspector,
    ended,

    async purge(queue, max) {
      const waiting = await inspector.list({ states: ["scheduled", "queued", "retrying"], queue, limit: max })
      const now = clock.now()
      await results.put(
        waiting.map(
          ({ status }): TaskStatus => ({ ...status, state: "cancelled", finishedAt: now, dueAt: undefined }),
        ),
      )
      return inspector.purge(queue, max)
    },

    deadLetters: {
      ...inspector.deadLetters,
      async replay(asks) {
        const replayed = await inspector.deadLetters.replay(asks)
        await results.forget(replayed)
        return replayed
      },
    },
  }
}

/**
 * Schedules in another store than their tasks. Enqueue, then commit: a crash in between enqueues again, and the id of
 * a firing's task makes the second a duplicate.
 */
export function splitSchedules(schedules: ScheduleStore, broker: Broker): ScheduleStore {
  const send = async (firings: readonly (Firing | ByHand)[]) => {
    const envelopes = firings.flatMap((firing) => ("envelope" in firing ? firing.envelope : []))
    if (envelopes.length > 0) await broker.enqueue(envelopes)
  }

  return {
    ...schedules,

    async commit(turns) {
      await send(turns.flatMap(({ firings }) => firings))
      return schedules.commit(turns.map((turn) => ({ ...turn, firings: turn.firings.map(withoutTask) })))
    },

    async fire(firings) {
      // What has fired once may be forgotten by the broker, but not by its history.
      const fired = new Set<string>()
      for (const name of new Set(firings.map((firing) => firing.name)))
        for (const { id } of await schedules.history(name, HISTORY)) if (id !== undefined) fired.add(id)
      await send(firings.filter((firing) => !("envelope" in firing) || !fired.has(firing.envelope.id)))
      return schedules.fire(firings.map(withoutTask))
    },
  }
}

function withoutTask<F extends Firing | ByHand>(firing: F): F {
  if (!("envelope" in firing)) return firing
  const { envelope, ...rest } = firing
  return { ...rest, id: envelope.id } as unknown as F
}
