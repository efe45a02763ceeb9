import type { ConfigFile } from "../config/file.ts"
import { sourceOfFile } from "../config/schedules.ts"
import type { ScheduleStore } from "../contracts/schedules.ts"
import type { Clock } from "../kit/clock.ts"
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

/** Stores what the sources define and removes what has vanished from them. Throws for a spec that can not be read. */
export async function syncSources(
  { schedules, clock, emit }: { schedules: ScheduleStore; clock: Clock; emit: Listener },
  sources: readonly ScheduleSource[],
): Promise<true> {
  const now = clock.now()
  // All of them are checked before the first is stored.
  const ready = sources.map(({ source, schedules: list }) => ({
    source,
    puts: list.map((schedule) => schedulePut(schedule, now)),
  }))
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
