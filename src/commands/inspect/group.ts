import { StemError } from "../../core/kit/errors.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, WATCH_FLAG } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { clean } from "../shell/terminal.ts"
import { wholeFlag } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"
import { draw, type Node, treeOf } from "./group/tree.ts"

const MOST = 50

export default defineCommand({
  usage: "<id>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem inspect group 0199…", "the tree of its members, with their states"],
    ["stem inspect group 0199… --watch", "as it goes on"],
  ],
  flags: {
    limit: { kind: "value", hint: "N", about: `how many members of each group are shown (default: ${MOST})` },
    ...OUTPUT_FLAG,
    ...WATCH_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ client }) =>
      showOrWatch(shell, flags.watch, async () => {
        const id = operands[0] as string
        const view = await client.group(id)
        if (!view)
          throw new StemError("missing", "unknown_group", `no group has the id ${id}`, {
            hint: "stem inspect groups shows those that the store knows.",
          })
        const tree = await treeOf(client, view, wholeFlag("--limit", flags.limit, 1, 100_000) ?? MOST)
        await showOne(shell, flags.output, {
          json: () => tree,
          name: () => id,
          table: () =>
            draw(tree, ({ label, id: of, task, state, size, arrived, failed, error }: Node) => {
              const color =
                state === "failed" || state === "broken" || state === "cancelled" || state === "expired"
                  ? "red"
                  : state === "succeeded" || state === "complete"
                    ? "green"
                    : "yellow"
              const words = [
                label,
                of,
                task,
                shell.paint(color, state),
                size !== undefined && `(${arrived} of ${size}${failed ? `, ${failed} failed` : ""})`,
                error && clean(error),
              ]
              return words.filter(Boolean).join("  ")
            }),
        })
        return EXIT.done
      }),
    ),
})
