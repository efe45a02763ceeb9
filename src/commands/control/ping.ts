import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control ping", "does every worker answer?"],
    ["stem control ping box-7 --timeout 1s", "does this one?"],
  ],
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "ping" }, operands)),
})
