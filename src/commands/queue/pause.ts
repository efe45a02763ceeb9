import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { queueName } from "./name.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem queue pause emails", "running tasks finish, nothing more is taken; it survives restarts"],
  ],
  flags: STORE_FLAGS,
  async run({ flags, operands, shell }) {
    const name = queueName(operands)
    return withStores(shell, flags, async ({ stores, router }) => {
      const queue = router.queue(name)
      const changed = await stores.inspector.pause(queue)
      shell.talk.info(changed ? `queue ${queue} is paused` : `queue ${queue} was paused already`)
      return EXIT.done
    })
  },
})
