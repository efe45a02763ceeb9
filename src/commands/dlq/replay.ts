import type { DeadLetters, ReplayAsk } from "../../core/contracts/inspector.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, type ExitCode, usage } from "../shell/exit.ts"
import { meant } from "../shell/filters.ts"
import { BULK_FLAGS, OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { startProgress } from "../shell/progress.ts"
import { confirm } from "../shell/prompt.ts"
import { withStores } from "../shell/stores.ts"
import { rateFlag, wholeFlag } from "../shell/times.ts"
import { tryCanaries } from "./canary.ts"
import { editInput } from "./edit.ts"
import { getAll, pagesOf, readSelection, SELECT_FLAGS } from "./select.ts"

export default defineCommand({
  usage: "[id…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem dlq replay 0199…", "run it again: same id, attempts counted anew"],
    ["stem dlq replay 0199… --edit", "change its input in your editor first"],
    [
      "stem dlq replay --task image.resize --canary 3 --rate 50/s",
      "try three; when they succeed, the rest, slowly",
    ],
    ["stem dlq replay --error ECONNREFUSED --since 1h --dry-run", "show which would be replayed"],
  ],
  notes: "--canary waits for its tasks to end, so a worker has to be running.",
  flags: {
    ...SELECT_FLAGS,
    rate: { kind: "value", hint: "50/s", about: "no more than so many become due in a time" },
    canary: { kind: "value", hint: "N", about: "replay N first, and the rest only if none of them fails" },
    rejoin: {
      kind: "switch",
      about: "keep their places in their groups: what they come to replaces their failure",
    },
    edit: { kind: "switch", about: "edit the input of one dead letter in $VISUAL or $EDITOR" },
    ...BULK_FLAGS,
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }) {
    const selection = readSelection(operands, flags, "replayed")
    const spacing = rateFlag("--rate", flags.rate) ?? 0
    const canaries = wholeFlag("--canary", flags.canary, 1, 1000) ?? 0
    if (flags.edit && !("ids" in selection && selection.ids.length === 1))
      throw usage("--edit is for one dead letter", "Give its id: stem dlq replay ID --edit")
    return withStores(shell, flags, async ({ stores, client, router }): Promise<ExitCode> => {
      const { deadLetters } = stores.inspector
      const chosen = "ids" in selection ? await getAll(deadLetters, selection.ids) : undefined
      const filter = "filter" in selection ? meant(selection.filter, router) : {}
      const list = (rows: readonly Named[]) =>
        showList(shell, flags.output, {
          rows,
          columns: [
            { title: "ID", cell: ({ id }) => id },
            { title: "TASK", cell: ({ task }) => task },
            { title: "QUEUE", cell: ({ queue }) => queue },
          ],
          json: ({ id, task, queue }) => ({ id, task, queue }),
          name: ({ id }) => id,
        })
      const count = chosen ? chosen.length : await deadLetters.count(filter)
      if (flags["dry-run"]) {
        shell.talk.info(`${count} dead letters would be replayed`)
        await list(chosen ?? (await gather(pagesOf(deadLetters, filter))))
        return EXIT.done
      }
      let edit: { input: unknown } | undefined
      if (flags.edit) {
        edit = await editInput(shell, (chosen as DeadLetter[])[0] as DeadLetter)
        if (!edit) return EXIT.failed
      } else if (!chosen && !(await confirm(shell, `Replay ${count} dead letters?`, flags.yes)))
        return EXIT.failed

      const progress = startProgress(shell, "dead letters")
      const replayed: Named[] = []
      let unreadable = 0
      // Begins where the rate would have put the next one.
      const start = stores.clock.now()
      const put = async (letters: readonly DeadLetter[]) => {
        const ids = new Set(
          await replay(deadLetters, letters, (at) => start + Math.round((replayed.length + at) * spacing), {
            ...(edit && { edit }),
            ...(flags.rejoin && { rejoin: true }),
          }),
        )
        unreadable += letters.filter(({ id, envelope }) => !ids.has(id) && !envelope).length
        const back = letters.filter(({ id }) => ids.has(id))
        replayed.push(...back.map(({ id, task, queue }) => ({ id, task, queue })))
        progress.to(replayed.length)
        return back
      }
      let exit: ExitCode = EXIT.done
      let canary = canaries
      for await (const page of chosen ? [chosen] : pagesOf(deadLetters, filter)) {
        if (canary > 0) {
          const tried = await put(page.slice(0, canary))
          exit = await tryCanaries(shell, client, tried, count - canary)
          if (exit !== EXIT.done) break
        }
        await put(page.slice(canary))
        canary = 0
      }
      progress.end()
      await list(replayed)
      shell.talk.info(`${replayed.length} of ${count} dead letters were replayed`)
      if (unreadable > 0)
        shell.talk.warn(`${unreadable} can not be read as tasks and stay where they are; see stem dlq show`)
      return exit === EXIT.done && replayed.length < count && chosen ? EXIT.failed : exit
    })
  },
})

/** What is kept of each in memory; inputs may be large. */
type Named = Pick<DeadLetter, "id" | "task" | "queue">

const replay = (
  letters: DeadLetters,
  chosen: readonly DeadLetter[],
  dueAt: (at: number) => number,
  how: Pick<ReplayAsk, "edit" | "rejoin">,
) => letters.replay(chosen.map(({ id }, at) => ({ id, dueAt: dueAt(at), ...how })))

async function gather(pages: AsyncIterable<readonly DeadLetter[]>): Promise<Named[]> {
  const all: Named[] = []
  for await (const page of pages) all.push(...page.map(({ id, task, queue }) => ({ id, task, queue })))
  return all
}
