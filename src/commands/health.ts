import { maskUrl } from "../core/config/mask.ts"
import { StemError } from "../core/kit/errors.ts"
import { openStores, type Stores } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT, type ExitCode } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { configured } from "./shell/stores.ts"

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
  async run({ flags, shell }): Promise<ExitCode> {
    const { config } = await configured(shell, flags)
    const { worker, output } = flags
    const store = maskUrl(config.broker)
    let stores: Stores | undefined
    try {
      stores = await openStores(config)
      const began = performance.now()
      await Promise.all(stores.drivers.map((driver) => driver.ping()))
      const pingMs = Math.round((performance.now() - began) * 1000) / 1000
      // The registry lists only those who have shown themselves lately.
      const alive =
        worker === undefined ||
        (await stores.workers.list()).some(({ name, id }) => name === worker || id === worker)
      await showOne(shell, output, {
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
    } catch (error) {
      if (!(error instanceof StemError) || error.kind !== "unavailable") throw error
      const { code, message } = error
      // For programs. People are told on stderr, as of every error; it decides the exit code.
      if (output === "json" || output === "ndjson")
        await showOne(shell, output, {
          json: () => ({ ok: false, store, error: { code, message } }),
          name: () => "",
          table: () => "",
        })
      throw error
    } finally {
      await stores?.close()
    }
  },
})
