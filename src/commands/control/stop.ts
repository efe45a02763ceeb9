import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [["stem control stop box-7", "it takes nothing new, finishes what runs, and leaves"]],
  notes:
    "As on TERM: it has its --grace to finish. The answer comes when it begins to stop, not when it has left.",
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "stop" }, operands)),
})
