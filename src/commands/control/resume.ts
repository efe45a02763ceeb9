import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control resume", "every quiet worker takes work again"],
    ["stem control resume box-7", "only this one"],
  ],
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "resume" }, operands)),
})
