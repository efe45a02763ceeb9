import { hostname } from "node:os"
import { under } from "../core/config/settings.ts"
import { formatInstant } from "../core/kit/instant.ts"
import { createRing } from "../core/kit/ring.ts"
import type { WorkerEvent } from "../core/observe/events.ts"
import { createRouter } from "../core/policy/routing.ts"
import {
  listenForSignals,
  openBeatModules,
  openStores,
  ownCommand,
  serviceManager,
  startBeat,
} from "../stem.ts"
import { beatService } from "./beat/service.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { STORE_FLAGS } from "./shell/flags.ts"
import { configured } from "./shell/stores.ts"
import { cleanJson } from "./shell/terminal.ts"
import { givenWords, unitFile } from "./shell/unit.ts"
import { startLog } from "./worker/log.ts"

const definition = {
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
    systemd: { kind: "switch", about: "print a unit file for this command line, and leave" },
    ...STORE_FLAGS,
  },
} as const

export default defineCommand({
  ...definition,
  async run({ flags, operands, shell }) {
    const { config } = await configured(shell, flags)
    if (flags.systemd) {
      await shell.stdout.write(
        unitFile({
          description: "Stem beat",
          start: [...(await ownCommand()), "beat"],
          given: givenWords(definition.flags, flags, operands, ["systemd"]),
          directory: shell.directory,
          stopMs: 0,
          commands: false,
        }),
      )
      return EXIT.done
    }
    const manager = await serviceManager()
    const modules = operands.map((path) => under(shell.directory, path))
    const log = startLog(shell, config.log)
    const { sources, pass, close } = await openBeatModules(modules, log.hear)
    const read = async () => sources((await configured(shell, flags)).files)
    const stores = await openStores(config)
    const end = new AbortController()
    const again = createRing()
    const service = beatService(manager, stores.clock.monotonic)
    const stop = () => {
      service.stopping()
      end.abort()
    }
    const stopListening = listenForSignals({ stop, reload: again.ring })
    const hear = (event: WorkerEvent) => {
      log.hear(event)
      if (event.kind === "beat_ready") service.ready()
      const line = flags.output === undefined ? undefined : firingLine(event)
      if (line)
        void shell.stdout
          .write(`${line}\n`)
          .then(shell.stdout.flush)
          .catch(() => end.abort())
    }
    try {
      const name = flags.name ?? `${hostname()}-${process.pid}-beat`
      const how = {
        name,
        router: createRouter(config.routing),
        pass,
        read,
        again: service.again(again.next),
        turned: service.turned,
      }
      await startBeat(stores, how, hear, end.signal)
      return EXIT.done
    } finally {
      stopListening()
      await close()
      service.end()
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
