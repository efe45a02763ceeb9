import type { ConfigFile } from "../config/file.ts"
import { sourceOfFile } from "../config/schedules.ts"
import type { ScheduleStore } from "../contracts/schedules.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { invalid, StemError } from "../kit/errors.ts"
import type { Listener } from "../observe/events.ts"
import type { Schedule } from "../task/schedule.ts"
import { schedulePut } from "./put.ts"

/** Everything that one file or one module defines. */
export interface ScheduleSource {
  /** `file:<path>` or `code:<path>`. */
  readonly source: string
  readonly schedules: readonly Schedule[]
}

/**
 * What files and modules define, one by one. Of the modules the schedules are given; a source that defines none is there
 * too, so that what it defined vanishes.
 */
export async function sourcesOf(
  files: readonly ConfigFile[],
  modules: readonly string[],
  schedules: readonly Schedule[],
): Promise<readonly ScheduleSource[]> {
  const ofModules = modules.map((path) => {
    const source = `code:${path}`
    return { source, schedules: schedules.filter((one) => one.source === source) }
  })
  return [...(await Promise.all(files.map(sourceOfFile))), ...ofModules]
}

/** What is to be stored of each source. Throws for a spec that can not be read, naming its schedule and its source. */
export const putsOf = (sources: readonly ScheduleSource[], now: Millis) =>
  sources.map(({ source, schedules }) => ({
    source,
    puts: schedules.map((schedule) => {
      try {
        return schedulePut(schedule, now)
      } catch (error) {
        if (!(error instanceof StemError) || error.kind !== "invalid") throw error
        const message = `schedule "${schedule.name}" of ${source.replace(/^\w+:/, "")}: ${error.message}`
        throw invalid(error.code, message, error.hint, error)
      }
    }),
  }))

/** Stores what the sources define and removes what has vanished from them. Throws for a spec that can not be read. */
export async function syncSources(
  { schedules, clock, emit }: { schedules: ScheduleStore; clock: Clock; emit: Listener },
  sources: readonly ScheduleSource[],
): Promise<true> {
  // All of them are checked before the first is stored.
  const ready = putsOf(sources, clock.now())
  for (const { source, puts } of ready) {
    const { stored, removed } = await schedules.sync(source, puts)
    const names = (kind: "added" | "changed") =>
      stored.filter((one) => one.kind === kind).map(({ name }) => name)
    emit({ kind: "schedules_synced", source, added: names("added"), changed: names("changed"), removed })
    for (const one of stored)
      if (one.kind === "taken") emit({ kind: "schedule_taken", schedule: one.name, source, by: one.source })
  }
  return true
}
