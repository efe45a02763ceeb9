import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control stats", "what each worker does right now"],
    ["stem control stats -o json", "all that it says of itself, asked anew"],
  ],
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "stats" }, operands)),
})
