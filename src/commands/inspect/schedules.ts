import { showSchedules } from "../schedule/listing.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { showOrWatch } from "../shell/watch.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem inspect schedules", "what fires when, and what it has come to"],
    ["stem inspect schedules -o json", "for programs, as stem schedule list"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, shell }) =>
    withStores(shell, flags, ({ stores }) =>
      showOrWatch(shell, flags.watch, async () => {
        await showSchedules(shell, stores.schedules, flags)
        return EXIT.done
      }),
    ),
})
