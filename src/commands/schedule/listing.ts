import type { ScheduleStore } from "../../core/contracts/schedules.ts"
import type { Shell } from "../shell/command.ts"
import { showList } from "../shell/output.ts"
import { showTime } from "../shell/times.ts"
import { scheduleJson, specText } from "./shown.ts"

/** All schedules, as `stem schedule list` and `stem inspect schedules` show them. */
export async function showSchedules(
  shell: Shell,
  schedules: ScheduleStore,
  flags: { readonly output?: string | undefined; readonly time?: string | undefined },
): Promise<void> {
  await showList(shell, flags.output, {
    rows: await schedules.list(),
    columns: [
      { title: "NAME", cell: ({ schedule }) => schedule.name },
      { title: "WHEN", cell: ({ schedule }) => specText(schedule.spec) },
      { title: "ZONE", cell: ({ schedule }) => schedule.timezone },
      { title: "TASK", cell: ({ schedule }) => schedule.task },
      {
        title: "NEXT",
        cell: ({ state, paused }) => (paused ? "paused" : showTime(state.nextAt, flags.time)),
        color: ({ paused }) => (paused ? "yellow" : undefined),
      },
      { title: "LAST", cell: ({ state }) => showTime(state.lastAt, flags.time) },
      { title: "RUNS", cell: ({ state }) => state.runs, right: true },
      {
        title: "FAILURES",
        cell: ({ state }) => state.failures,
        right: true,
        color: ({ state }) => (state.failures > 0 ? "red" : undefined),
      },
    ],
    json: scheduleJson,
    name: ({ schedule }) => schedule.name,
    none: "There are no schedules.",
  })
}
