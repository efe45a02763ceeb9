import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { BULK_FLAGS, OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { startProgress } from "../shell/progress.ts"
import { confirm } from "../shell/prompt.ts"
import { withStores } from "../shell/stores.ts"
import { queueName } from "./name.ts"

/** How many tasks one step cancels, so that workers are not held up for long. */
const STEP = 1000

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem queue purge emails --dry-run", "tell how many tasks wait in it"],
    ["stem queue purge emails", "cancel them; running tasks are left alone"],
    ["stem queue purge emails --yes", "without asking, for scripts"],
  ],
  flags: { ...BULK_FLAGS, ...OUTPUT_FLAG, ...STORE_FLAGS },
  async run({ flags, operands, shell }) {
    const name = queueName(operands)
    return withStores(shell, flags, async ({ stores, router }) => {
      const queue = router.queue(name)
      const { inspector } = stores
      const show = (cancelled: number) =>
        showOne(shell, flags.output, {
          json: () => ({ queue, cancelled, dryRun: flags["dry-run"] }),
          name: () => queue,
          table: () => `${cancelled}\n`,
        })
      const counts = (await inspector.queues()).find((one) => one.queue === queue)
      const waiting = counts ? counts.ready + counts.scheduled + counts.retrying : 0
      if (flags["dry-run"]) {
        shell.talk.info(`${waiting} waiting tasks of queue ${queue} would be cancelled`)
        await show(waiting)
        return EXIT.done
      }
      if (!(await confirm(shell, `Cancel ${waiting} waiting tasks of queue ${queue}?`, flags.yes)))
        return EXIT.failed
      const progress = startProgress(shell, "tasks")
      let cancelled = 0
      for (let step = -1; step !== 0; progress.to(cancelled)) {
        step = await inspector.purge(queue, STEP)
        cancelled += step
      }
      progress.end()
      shell.talk.info(`${cancelled} tasks of queue ${queue} were cancelled`)
      await show(cancelled)
      return EXIT.done
    })
  },
})
