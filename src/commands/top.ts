import type { Stores } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT, type ExitCode, usage } from "./shell/exit.ts"
import { STORE_FLAGS } from "./shell/flags.ts"
import { terminalWidth } from "./shell/output.ts"
import { withStores } from "./shell/stores.ts"
import { cleanJson } from "./shell/terminal.ts"
import { durationFlag } from "./shell/times.ts"
import { createSpeedometer } from "./top/rates.ts"
import { type Sight, sightJson, sightTable } from "./top/view.ts"

const DEFAULT_MS = 2000
const LEAST_MS = 100

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem top", "queues, workers, rates and what runs, anew every two seconds"],
    ["stem top --every 500ms", "more often"],
    ["stem top --once -o json | jq .totals", "one look, for programs"],
  ],
  notes:
    "It reads the store and asks no worker. Away from a terminal it looks once. A worker tells how far it is every few seconds, so rates are of the last of these spans.",
  flags: {
    once: { kind: "switch", about: "look once" },
    every: { kind: "value", hint: "2s", about: "how long from one look to the next" },
    output: {
      kind: "value",
      short: "o",
      hint: "FORMAT",
      about: "table, json (one look, one document) or ndjson (one line a look)",
      choices: ["table", "json", "ndjson"],
    },
    ...STORE_FLAGS,
  },
  async run({ flags, shell }): Promise<ExitCode> {
    const every = durationFlag("--every", flags.every) ?? DEFAULT_MS
    if (every < LEAST_MS) throw usage(`--every: ${flags.every} is too short`, `The least is ${LEAST_MS}ms.`)
    const { output } = flags
    const { stdout, paint } = shell
    const live = !flags.once && output !== "json" && (shell.terminal.stdout || output === "ndjson")
    if (flags.every !== undefined && !live)
      throw usage("--every is for more than one look", "Leave out --once, or print lines: -o ndjson.")
    return withStores(shell, flags, async ({ stores, config }) => {
      const look = watcher(stores, config.namespace)
      for (;;) {
        const sight = await look()
        if (output === "json") await stdout.write(`${cleanJson(sightJson(sight), 2)}\n`)
        else if (output === "ndjson") await stdout.write(`${cleanJson(sightJson(sight))}\n`)
        else if (!live) await stdout.write(sightTable(sight, paint))
        else {
          const screen = { width: terminalWidth(), height: process.stdout.rows || 24 }
          await stdout.write(inPlace(sightTable(sight, paint, screen)))
        }
        await stdout.flush()
        if (!live) return EXIT.done
        await Bun.sleep(every)
      }
    })
  },
})

/** Drawn over what was there, without an empty screen in between. */
const inPlace = (text: string) => `\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`

function watcher({ inspector, workers: registry, clock }: Stores, namespace: string): () => Promise<Sight> {
  const speed = createSpeedometer()
  return async () => {
    const [queues, present] = await Promise.all([inspector.queues(), registry.list()])
    const workers = present.map((worker) => ({ ...worker, rates: speed.of(worker) }))
    speed.keep(present)
    return { at: clock.now(), namespace, queues, workers }
  }
}
