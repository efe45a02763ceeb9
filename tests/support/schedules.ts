import type {
  ClaimedSchedule,
  Firing,
  SchedulePut,
  ScheduleTurn,
} from "../../src/core/contracts/schedules.ts"
import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import { parseSchedule, type Schedule } from "../../src/core/task/schedule.ts"
import { tasksBy } from "./envelopes.ts"

/** A schedule that fires every so many milliseconds, said in the words of the test. */
export const every = (name: string, everyMs: Millis, more: Record<string, unknown> = {}): Schedule =>
  parseSchedule({ v: 1, name, spec: { kind: "every", everyMs, anchor: 0 }, task: "image.resize", ...more })

/** What a test stores: its cadence is its spec. */
export const putOf = (schedule: Schedule, nextAt?: Millis): SchedulePut => ({
  schedule,
  cadence: JSON.stringify(schedule.spec),
  ...(nextAt !== undefined && { nextAt }),
})

/** Turns as a Beat would commit them. */
export const turnsBy = (clock: Pick<Clock, "now">) => {
  const fired = (name: string, nominalAt: Millis): Firing => ({
    nominalAt,
    firedAt: clock.now(),
    envelope: tasksBy(clock)(`${name}@${nominalAt}`),
  })
  return {
    fired,
    /** Fires the instant and goes on with the next one. */
    fire(
      { lease, state }: ClaimedSchedule,
      nextAt?: Millis,
      nominalAt = state.nextAt as Millis,
    ): ScheduleTurn {
      const firing = fired(lease.id, nominalAt)
      const next = nextAt === undefined ? {} : { nextAt }
      const lastId = `${lease.id}@${nominalAt}`
      return {
        lease,
        firings: [firing],
        state: { ...next, lastAt: nominalAt, lastId, runs: state.runs + 1, failures: 0, open: [lastId] },
        ...(nextAt !== undefined && { wakeAt: nextAt }),
      }
    },
  }
}
