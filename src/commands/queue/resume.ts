import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { STORE_FLAGS } from "../shell/flags.ts"
import { withStores } from "../shell/stores.ts"
import { queueName } from "./name.ts"

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [["stem queue resume emails", "workers take from it again at once"]],
  flags: STORE_FLAGS,
  async run({ flags, operands, shell }) {
    const name = queueName(operands)
    return withStores(shell, flags, async ({ stores, router }) => {
      const queue = router.queue(name)
      const changed = await stores.inspector.resume(queue)
      shell.talk.info(changed ? `queue ${queue} goes on` : `queue ${queue} was not paused`)
      return EXIT.done
    })
  },
})
