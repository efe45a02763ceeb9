import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"
import { scheduleJson, specText } from "./shown.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem schedule list", "what fires when"],
    ["stem schedule list -o json", "for programs"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        await showList(shell, flags.output, {
          rows: await stores.schedules.list(),
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
        return EXIT.done
      }),
    ),
})
