import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { meant } from "../shell/filters.ts"
import { BULK_FLAGS, OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { confirm } from "../shell/prompt.ts"
import { withStores } from "../shell/stores.ts"
import { getAll, pagesOf, readSelection, SELECT_FLAGS } from "./select.ts"

export default defineCommand({
  usage: "[id…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem dlq purge 0199…", "forget one"],
    ["stem dlq purge --task image.resize --until 7d --dry-run", "tell how many died more than a week ago"],
    ["stem dlq purge --all --yes", "forget all, without asking"],
  ],
  flags: { ...SELECT_FLAGS, ...BULK_FLAGS, ...OUTPUT_FLAG, ...STORE_FLAGS },
  async run({ flags, operands, shell }) {
    const selection = readSelection(operands, flags, "purged")
    return withStores(shell, flags, async ({ stores, router }) => {
      const { deadLetters } = stores.inspector
      const chosen = "ids" in selection ? await getAll(deadLetters, selection.ids) : undefined
      const filter = "filter" in selection ? meant(selection.filter, router) : {}
      const count = chosen ? chosen.length : await deadLetters.count(filter)
      const show = (purged: number) =>
        showOne(shell, flags.output, {
          json: () => ({ purged, dryRun: flags["dry-run"] }),
          name: () => chosen?.map(({ id }) => id).join("\n") ?? String(purged),
          table: () => `${purged}\n`,
        })
      if (flags["dry-run"]) {
        shell.talk.info(`${count} dead letters would be forgotten`)
        await show(count)
        return EXIT.done
      }
      const sure =
        chosen !== undefined || (await confirm(shell, `Forget ${count} dead letters for good?`, flags.yes))
      if (!sure) return EXIT.failed
      let purged = 0
      const pages = chosen ? [chosen] : pagesOf(deadLetters, filter)
      for await (const page of pages) purged += await deadLetters.purge(page.map(({ id }) => id))
      shell.talk.info(`${purged} dead letters were forgotten`)
      await show(purged)
      return EXIT.done
    })
  },
})
