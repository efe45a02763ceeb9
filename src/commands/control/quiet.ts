import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control quiet", "no worker takes anything new; what runs goes on, and the workers stay"],
    ["stem control quiet box-7", "only this one, say before it is looked into"],
  ],
  notes: "A quiet worker stays until it is told to stop, or to go on: stem control resume.",
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "quiet" }, operands)),
})
