import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "[worker…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [["stem control reload", "every worker reads its modules anew"]],
  notes:
    "As on HUP. Where the modules can not be read the old ones go on, and the answer says why; exit 1 then.",
  flags: CONTROL_FLAGS,
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, { kind: "reload" }, operands)),
})
