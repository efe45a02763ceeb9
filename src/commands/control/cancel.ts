import { unknownTask } from "../result.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "<id> [worker…]",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control cancel 0199…", "whichever worker runs it stops it now"],
    ["stem control cancel --terminate 0199…", "and kills the process it runs in if it does not stop"],
  ],
  notes:
    "The task is first marked in the store, as stem cancel does it, so it never runs again whether a worker hears or not; then the workers are told, which spares the wait for their next renew.",
  flags: {
    terminate: { kind: "switch", about: "kill the isolate of a running task that does not stop by itself" },
    ...CONTROL_FLAGS,
  },
  run: ({ flags, operands: [first, ...workers], shell }) =>
    withStores(shell, flags, async ({ stores, client }) => {
      const id = first as string
      const { terminate } = flags
      const [answer] = await client.cancel([id], { terminate })
      if (answer?.kind === "unknown") throw unknownTask(id)
      if (answer?.kind === "asked")
        return giveOrder(shell, stores, flags, { kind: "cancel", ids: [id], terminate }, workers)
      shell.talk.info(
        answer?.kind === "cancelled" ? `task ${id} waited, and is cancelled` : `task ${id} had ended before`,
      )
      return EXIT.done
    }),
})
