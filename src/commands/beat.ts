import { hostname } from "node:os"
import { under } from "../core/config/settings.ts"
import { formatInstant } from "../core/kit/instant.ts"
import { createRing } from "../core/kit/ring.ts"
import type { WorkerEvent } from "../core/observe/events.ts"
import { listenForSignals, openStores, readSources, startBeat } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { STORE_FLAGS } from "./shell/flags.ts"
import { configured } from "./shell/stores.ts"
import { cleanJson } from "./shell/terminal.ts"
import { startLog } from "./worker/log.ts"

export default defineCommand({
  usage: "[module…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem beat", "fire what stem.toml defines and what was added by command"],
    ["stem beat ./tasks.ts", "also what the module defines"],
    ["stem beat -o ndjson", "print each firing as a line of JSON"],
  ],
  notes: `Any number may run on one store: each instant fires once. TERM or Ctrl-C leaves at once; HUP reads stem.toml and the
modules anew. It is quiet unless something is wrong; stem health --worker NAME fails when it makes no progress.`,
  flags: {
    name: {
      kind: "value",
      hint: "NAME",
      about: "its name in stem inspect workers (default: host, pid and beat)",
    },
    output: {
      kind: "value",
      short: "o",
      hint: "FORMAT",
      about: "ndjson: print each firing as a line of JSON",
      choices: ["ndjson"],
    },
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }) {
    const { config } = await configured(shell, flags)
    const modules = operands.map((path) => under(shell.directory, path))
    const read = async () => readSources((await configured(shell, flags)).files, modules)
    const log = startLog(shell, config.log)
    const stores = await openStores(config)
    const end = new AbortController()
    const again = createRing()
    const stopListening = listenForSignals({ stop: () => end.abort(), reload: again.ring })
    const hear = (event: WorkerEvent) => {
      log.hear(event)
      const line = flags.output === undefined ? undefined : firingLine(event)
      if (line)
        void shell.stdout
          .write(`${line}\n`)
          .then(shell.stdout.flush)
          .catch(() => end.abort())
    }
    try {
      const name = flags.name ?? `${hostname()}-${process.pid}-beat`
      await startBeat(stores, { name, read, again: again.next }, hear, end.signal)
      return EXIT.done
    } finally {
      stopListening()
      await stores.close()
      log.flush()
    }
  },
})

function firingLine(event: WorkerEvent): string | undefined {
  if (event.kind === "schedule_fired") {
    const { schedule, task, id, nominalAt, latenessMs } = event
    const [nominal, fired] = [formatInstant(nominalAt), formatInstant(nominalAt + latenessMs)]
    return cleanJson({ schedule, nominalAt: nominal, firedAt: fired, latenessMs, id, task, state: "fired" })
  }
  if (event.kind !== "schedule_skipped") return undefined
  const { schedule, nominalAt, reason } = event
  return cleanJson({ schedule, nominalAt: formatInstant(nominalAt), state: "skipped", reason })
}
