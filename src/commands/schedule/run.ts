import { firingEnvelope } from "../../core/beat/firing.ts"
import { StemError } from "../../core/kit/errors.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import { createRouter } from "../../core/policy/routing.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { findSchedule } from "./find.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [["stem schedule run nightly", "now, once; its next instant stays; prints the task's id"]],
  flags: { ...OUTPUT_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules, clock }, config }) => {
      const { schedule } = await findSchedule(schedules, operands[0] as string)
      const { name, task } = schedule
      const now = clock.now()
      // Nobody who asks for now wants to wait for the jitter.
      const envelope = firingEnvelope(
        { ...schedule, jitterMs: undefined },
        now,
        now,
        createRouter(config.routing),
      )
      const [fired] = await schedules.fire([{ name, nominalAt: now, firedAt: now, envelope }])
      if (fired !== "fired")
        throw new StemError("failed", "not_fired", `${name} was not fired: it has fired at this very instant`)
      await showOne(shell, flags.output, {
        json: () => ({ id: envelope.id, schedule: name, task, nominalAt: formatInstant(now) }),
        name: () => envelope.id,
        table: () => `${envelope.id}\n`,
      })
      return EXIT.done
    }),
})
