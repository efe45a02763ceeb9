import type { Broker } from "../contracts/broker.ts"
import type { Driver } from "../contracts/driver.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { ScheduleStore } from "../contracts/schedules.ts"
import { invalid } from "../kit/errors.ts"

/** The parts of up to three stores, as if they were of one. */
export interface Bridged {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly results: ResultBackend
  readonly schedules: ScheduleStore
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
  const schedules = planned.schedules ?? noSchedules(planned.capabilities.store)
  const { broker, inspector, results } =
    tasks === ended ? tasks : (await import("./split-results.ts")).splitResults(tasks, ended)
  if (tasks === planned) return { broker, inspector, results, schedules }
  const { splitSchedules } = await import("./split-schedules.ts")
  return { broker, inspector, results, schedules: splitSchedules(schedules, broker) }
}

/** Stands where a store can not hold schedules: every call says so. */
const noSchedules = (store: string): ScheduleStore =>
  new Proxy({} as ScheduleStore, {
    get: () => async () => {
      throw invalid(
        "no_schedules",
        `schedules can not be kept in ${store}`,
        "Name another store for them: --schedules sqlite:PATH, or STEM_SCHEDULE_STORE_URL.",
      )
    },
  })
