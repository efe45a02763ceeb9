import { maskUrl } from "../core/config/mask.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { withStores } from "./shell/stores.ts"

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem health", "exit 0 when the store answers, 69 when it does not"],
    [
      `stem health --worker "$HOSTNAME"`,
      "also exit 1 when that worker shows no sign of life, for container probes",
    ],
  ],
  flags: {
    worker: { kind: "value", hint: "NAME", about: "this worker has to be alive, too" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  run: ({ flags, shell }) =>
    withStores(shell, flags, async ({ stores: { drivers, workers }, config }) => {
      const began = performance.now()
      await Promise.all(drivers.map((driver) => driver.ping()))
      const pingMs = Math.round((performance.now() - began) * 1000) / 1000
      const { worker } = flags
      // The registry lists only those who have shown themselves lately.
      const alive =
        worker === undefined ||
        (await workers.list()).some(({ name, id }) => name === worker || id === worker)
      const store = maskUrl(config.broker)
      await showOne(shell, flags.output, {
        json: () => ({ ok: alive, store, pingMs, ...(worker !== undefined && { worker, alive }) }),
        name: () => (alive ? "ok" : "not ok"),
        table: () => `${alive ? "ok" : "not ok"}\n`,
      })
      if (alive) return EXIT.done
      shell.talk.error(`no worker named ${worker} shows a sign of life`, {
        code: "worker_gone",
        hint: "See stem inspect workers.",
      })
      return EXIT.failed
    }),
})
