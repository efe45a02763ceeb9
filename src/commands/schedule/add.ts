import { schedulePut } from "../../core/beat/put.ts"
import { StemError } from "../../core/kit/errors.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { DEFINITION_FLAGS, scheduleFromFlags } from "./definition.ts"
import { findSchedule } from "./find.ts"
import { scheduleJson } from "./shown.ts"

export default defineCommand({
  usage: "<name> [-- command…]",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    [
      `stem schedule add nightly --cron "0 3 * * *" --timezone Europe/Berlin --task report`,
      "every night at three",
    ],
    [`stem schedule add ping --every 90s --task ping --input '{"host":"a"}'`, "every ninety seconds"],
    [`stem schedule add backup --cron "@daily" --overlap skip -- /opt/jobs/backup.sh --all`, "a command"],
    [`stem schedule add lights --solar "sunset 52.52 13.40 -30m" --task lights.on`, "by the sun"],
  ],
  notes:
    "A known name is edited: it keeps its history. A command is run by a worker with --shell. Prints the name.",
  flags: { ...DEFINITION_FLAGS, ...OUTPUT_FLAG, ...STORE_FLAGS },
  async run({ flags, operands, shell }) {
    const [name = "", ...command] = operands
    const schedule = scheduleFromFlags(name, command, flags)
    return withStores(shell, flags, async ({ stores: { schedules, clock } }) => {
      const put = schedulePut(schedule, clock.now())
      if (put.nextAt === undefined)
        throw usage(
          `${name} would never fire`,
          "There is no such instant to come: stem schedule next shows them.",
        )
      const [stored] = await schedules.put([put])
      if (stored?.kind === "taken")
        throw new StemError("failed", "schedule_taken", `${name} is defined in ${stored.source}`, {
          hint: "Edit it there, or choose another name.",
        })
      const found = await findSchedule(schedules, name)
      const next = formatInstant(found.state.nextAt ?? put.nextAt)
      shell.talk.info(
        `${name} ${stored?.kind === "added" ? "fires" : "is edited, and fires"} next at ${next}`,
      )
      await showOne(shell, flags.output, {
        json: () => scheduleJson(found),
        name: () => name,
        table: () => `${name}\n`,
      })
      return EXIT.done
    })
  },
})
