import { toCrontab } from "../../core/beat/crontab-export.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { scheduleCommand } from "./shell-words.ts"

export default defineCommand({
  usage: "[name…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem schedule export > crontab.txt", "as a crontab; what cron can not say stands in comments"],
  ],
  flags: STORE_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules } }) => {
      const wanted = new Set(operands)
      const list = (await schedules.list())
        .map(({ schedule }) => schedule)
        .filter(({ name }) => wanted.size === 0 || wanted.has(name))
      const { text, left, reduced } = toCrontab(list, scheduleCommand)
      for (const { name, reason } of left)
        shell.talk.warn(`${name} is left out: cron can not express ${reason}`)
      for (const { name, lost } of reduced)
        shell.talk.warn(`${name} is written without what cron can not express: ${lost.join(", ")}`)
      await shell.stdout.write(text)
      await shell.stdout.flush()
      return left.length + reduced.length === 0 ? EXIT.done : EXIT.failed
    }),
})
