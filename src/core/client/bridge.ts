import type { Broker } from "../contracts/broker.ts"
import type { Driver } from "../contracts/driver.ts"
import type { EventLog } from "../contracts/events.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { Notes } from "../contracts/notes.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { ScheduleStore } from "../contracts/schedules.ts"

/** The parts of up to three stores, as if they were of one. */
export interface Bridged {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly results: ResultBackend
  readonly schedules: ScheduleStore
  readonly groups: Groups
  readonly notes: Notes
  /** Where tasks live, what happened to them is told. */
  readonly events: EventLog
}

/** Joins stores; what one store does in a step is then done in an order in which each step may be done again. */
export async function bridge({
  tasks,
  ended,
  planned,
}: {
  tasks: Driver
  ended: Driver
  planned: Driver
}): Promise<Bridged> {
  const { schedules } = planned
  const { groups, notes, events } = tasks
  const { broker, inspector, results } =
    tasks === ended ? tasks : (await import("./split-results.ts")).splitResults(tasks, ended)
  const whole = { broker, inspector, results, groups, notes, events }
  if (tasks === planned) return { ...whole, schedules }
  const { splitSchedules } = await import("./split-schedules.ts")
  return { ...whole, schedules: splitSchedules(schedules, broker) }
}
