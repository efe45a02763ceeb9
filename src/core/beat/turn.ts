import type { Broker } from "../contracts/broker.ts"
import type { Extensions } from "../contracts/extensions.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type {
  ClaimedSchedule,
  Firing,
  ScheduleCommitted,
  ScheduleStore,
  ScheduleTurn,
} from "../contracts/schedules.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { messageOf } from "../kit/errors.ts"
import type { Listener } from "../observe/events.ts"
import type { Router } from "../policy/routing.ts"
import type { TaskId } from "../task/envelope.ts"
import { isEnded } from "../task/status.ts"
import { type Decision, decide, type EndOf, endsMatter } from "./decide.ts"
import { firingEnvelope, firingId } from "./firing.ts"
import { dueInstants } from "./instants.ts"

/** What a Beat works with. Where broker and schedules are two stores, `schedules` bridges them already. */
export interface TurnParts {
  readonly schedules: ScheduleStore
  readonly broker: Broker
  readonly inspector: Inspector
  readonly results: ResultBackend
  readonly clock: Clock
  readonly emit: Listener
  /** Where firings go whose schedules name no queue. */
  readonly router?: Router | undefined
  /** Takes what is to be fired through `enqueue` middleware. */
  readonly pass?: Extensions["pass"] | undefined
}

/**
 * Reads what became of the earlier firings of these schedules. Where nothing hangs on it but the count of failures that
 * people see, what is not known to have ended is taken for live.
 */
export async function readEnds(
  { results, inspector }: Pick<TurnParts, "results" | "inspector">,
  claimed: readonly ClaimedSchedule[],
): Promise<EndOf> {
  const ids = claimed.flatMap(({ state }) => state.open)
  const ends = new Map<TaskId, ReturnType<EndOf>>()
  if (ids.length === 0) return () => undefined
  const look = async (which: readonly TaskId[]) => {
    const statuses = await results.get(which)
    for (const status of statuses) if (status && isEnded(status.state)) ends.set(status.id, status.state)
    return which.filter((id) => !ends.has(id))
  }
  const left = await look(ids)
  if (left.length === 0) return (id) => ends.get(id)
  const lax = new Set(claimed.flatMap(({ schedule, state }) => (endsMatter(schedule) ? [] : state.open)))
  for (const id of left) if (lax.has(id)) ends.set(id, "live")
  const unended = left.filter((id) => !lax.has(id))
  const live = unended.length === 0 ? [] : await inspector.find(unended)
  for (const task of live) if (task) ends.set(task.status.id, "live")
  // One that is neither may have ended between the two looks.
  await look(unended.filter((id) => !ends.has(id)))
  return (id) => ends.get(id)
}

/** Decides about each schedule; one about which nothing can be decided is paused with the reason. */
export function turnsOf(
  claimed: readonly ClaimedSchedule[],
  endOf: EndOf,
  now: Millis,
  router?: Router,
): readonly Decided[] {
  return claimed.map((one) => {
    const { schedule, state, lease } = one
    try {
      const decision = decide(schedule, state, dueInstants(schedule, state, now), endOf, now)
      const firings: Firing[] = [
        ...decision.skip.map(({ nominalAt, reason }) => ({ nominalAt, firedAt: now, skipped: reason })),
        ...decision.fire.map((nominalAt) => ({
          nominalAt,
          firedAt: now,
          envelope: firingEnvelope(schedule, nominalAt, now, router),
        })),
      ]
      firings.sort((a, b) => a.nominalAt - b.nominalAt)
      const { wakeAt, pause } = decision
      const turn = { lease, firings, state: decision.state, wakeAt, pause }
      return { claimed: one, cancel: decision.cancel, turn }
    } catch (error) {
      const turn = { lease, firings: [], state, pause: `it can not be decided: ${messageOf(error)}` }
      return { claimed: one, cancel: [], turn }
    }
  })
}

/** A schedule, and what is to be stored of it. */
export interface Decided extends Pick<Decision, "cancel"> {
  readonly claimed: ClaimedSchedule
  readonly turn: ScheduleTurn
}

/** Tells what came of a turn, after the store has it. */
export function tell(emit: Listener, { claimed, turn }: Decided, committed: ScheduleCommitted): void {
  const { schedule, state } = claimed
  const { name } = schedule
  if (committed.kind === "stale") {
    emit({ kind: "schedule_lost", schedule: name })
    return
  }
  turn.firings.forEach((firing, at) => {
    const { nominalAt, firedAt } = firing
    if ("skipped" in firing)
      emit({ kind: "schedule_skipped", schedule: name, nominalAt, reason: firing.skipped })
    else if (committed.firings[at] === "fired") {
      const { task } = schedule
      const id = firingId(name, nominalAt)
      emit({ kind: "schedule_fired", schedule: name, id, task, nominalAt, latenessMs: firedAt - nominalAt })
    }
  })
  if (turn.pause !== undefined) emit({ kind: "schedule_paused", schedule: name, reason: turn.pause })
  else if (turn.wakeAt === undefined && state.nextAt !== undefined)
    emit({ kind: "schedule_over", schedule: name, runs: turn.state.runs })
}
