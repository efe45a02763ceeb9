import type { Broker } from "../contracts/broker.ts"
import { type ByHand, type Firing, HISTORY, type ScheduleStore } from "../contracts/schedules.ts"

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
