import { formatDuration } from "../../core/kit/duration.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { renderFields } from "../shell/table.ts"
import { cleanJson, cleanLine } from "../shell/terminal.ts"
import { showTime } from "../shell/times.ts"
import { findSchedule } from "./find.ts"
import { scheduleJsonWhole, specText } from "./shown.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [["stem schedule show nightly", "its definition and what it has come to"]],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores }) => {
      const stored = await findSchedule(stores.schedules, operands[0] as string)
      const { schedule, state, paused } = stored
      const { misfire, jitterMs, dst } = schedule
      const time = (at: number | undefined) => (at === undefined ? undefined : showTime(at, flags.time))
      await showOne(shell, flags.output, {
        json: () => scheduleJsonWhole(stored),
        name: () => schedule.name,
        table: () =>
          renderFields(
            [
              ["name", schedule.name],
              ["when", `${cleanLine(specText(schedule.spec))} (${schedule.timezone})`],
              ["task", schedule.task],
              ["input", schedule.input === null ? undefined : cleanJson(schedule.input)],
              ["queue", schedule.queue],
              ["next", paused ? undefined : time(state.nextAt)],
              ["last", time(state.lastAt)],
              ["last task", state.lastId],
              ["runs", schedule.maxRuns ? `${state.runs} of ${schedule.maxRuns}` : String(state.runs)],
              ["failures", state.failures === 0 ? undefined : `${state.failures} in a row`],
              ["paused", paused && cleanLine(`${paused.why} (${showTime(paused.at, flags.time)})`)],
              ["waiting", time(state.held)],
              ["start", time(schedule.startAt)],
              ["end", time(schedule.endAt)],
              ["jitter", jitterMs ? formatDuration(jitterMs) : undefined],
              ["overlap", schedule.overlap],
              ["misfire", `${misfire.policy}, within ${formatDuration(misfire.windowMs)}`],
              ["daylight saving", `missing hour: ${dst.gap}, hour that comes twice: ${dst.overlap}`],
              ["source", cleanLine(schedule.source)],
            ],
            shell.paint,
          ),
      })
      return EXIT.done
    }),
})
