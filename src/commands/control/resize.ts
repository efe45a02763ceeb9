import { defineCommand } from "../shell/command.ts"
import { withStores } from "../shell/stores.ts"
import { CONTROL_FLAGS, concurrencyOf, giveOrder } from "./order.ts"

export default defineCommand({
  usage: "<n> [worker…]",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem control resize 16", "sixteen tasks at once in every worker"],
    ["stem control resize 2 box-7", "two in this one"],
  ],
  notes:
    "No running task is touched. It holds until the worker is started anew; a worker with --autoscale goes on from there within its bounds.",
  flags: CONTROL_FLAGS,
  run({ flags, operands: [count, ...workers], shell }) {
    const order = { kind: "resize", concurrency: concurrencyOf(count as string) } as const
    return withStores(shell, flags, ({ stores }) => giveOrder(shell, stores, flags, order, workers))
  },
})
