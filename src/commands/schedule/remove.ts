import { BY_HAND } from "../../core/contracts/schedules.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { findSchedule } from "./find.ts"

export default defineCommand({
  usage: "<name…>",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [["stem schedule remove nightly", "with its history; tasks it has enqueued stay"]],
  flags: STORE_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules } }) => {
      const found = []
      for (const name of new Set(operands)) found.push(await findSchedule(schedules, name))
      const removed = await schedules.remove(found.map(({ schedule }) => schedule.name))
      for (const { schedule } of found)
        if (schedule.source !== BY_HAND)
          shell.talk.warn(
            `${schedule.name} comes back with the next stem beat while ${schedule.source} defines it`,
          )
      shell.talk.info(`removed: ${removed.join(", ")}`)
      return EXIT.done
    }),
})
