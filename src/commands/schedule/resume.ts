import { schedulePut } from "../../core/beat/put.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { findSchedule } from "./find.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem schedule resume nightly", "it goes on with its next instant; what was passed is not made up for"],
  ],
  flags: STORE_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules, clock } }) => {
      const { schedule, state } = await findSchedule(schedules, operands[0] as string)
      const over = schedule.maxRuns !== undefined && state.runs >= schedule.maxRuns
      const nextAt = over ? undefined : schedulePut(schedule, clock.now()).nextAt
      const changed = await schedules.resume(schedule.name, nextAt)
      const next = nextAt === undefined ? "never again" : `next at ${formatInstant(nextAt)}`
      shell.talk.info(changed ? `${schedule.name} fires ${next}` : `${schedule.name} was not paused`)
      return EXIT.done
    }),
})
