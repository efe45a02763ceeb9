import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { findSchedule } from "./find.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    [`stem schedule pause nightly --why "the disk is full"`, "until it is resumed; survives restarts"],
  ],
  flags: { why: { kind: "value", hint: "TEXT", about: "shown with it" }, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules } }) => {
      const { schedule } = await findSchedule(schedules, operands[0] as string)
      const changed = await schedules.pause(schedule.name, flags.why ?? "by hand")
      shell.talk.info(changed ? `${schedule.name} is paused` : `${schedule.name} was paused already`)
      return EXIT.done
    }),
})
