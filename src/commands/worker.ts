import { maskUrl } from "../core/config/mask.ts"
import { listenForSignals, openStores, ownCommand, serviceManager, startWorker } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT, type ExitCode, usage } from "./shell/exit.ts"
import { SPOOL_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { atFullSpeed } from "./shell/pace.ts"
import { configured } from "./shell/stores.ts"
import { givenWords, unitFile } from "./shell/unit.ts"
import { startLog } from "./worker/log.ts"
import { tellService } from "./worker/service.ts"
import { onSignals } from "./worker/stopping.ts"

const definition = {
  usage: "[module…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem worker ./tasks.ts", "run its tasks"],
    ["stem worker ./tasks.ts --queues urgent,bulk --concurrency 8", "urgent first"],
    ["stem worker ./tasks.ts --queues a=3,b=1", "three turns for a to one for b"],
    ["stem worker ./tasks.ts --autoscale 2-16", "as many at once as the load asks for"],
    ["stem worker ./tasks.ts --drain", "leave when nothing waits any more"],
    ["stem worker --shell --shell-allow '/opt/jobs/*'", "run commands of this folder, and nothing else"],
  ],
  notes: `TERM or the first Ctrl-C stops taking work and lets tasks finish for --grace; a second one aborts them and hands them
back at no cost. HUP reads the modules anew. Without operands, worker.modules of stem.toml are run.`,
  flags: {
    queues: { kind: "value", hint: "a,b", about: "queues, the first has precedence; a=3,b=1 are weights" },
    concurrency: { kind: "value", hint: "N", about: "tasks at once (default: twice the cores)" },
    autoscale: {
      kind: "value",
      hint: "MIN-MAX",
      about: "let the tasks at once follow the load between these bounds",
    },
    "autoscale-up": {
      kind: "value",
      hint: "N",
      about: "so many more in one step (default: a quarter of the range)",
    },
    "autoscale-down": {
      kind: "value",
      hint: "N",
      about: "so many fewer in one step (default: an eighth of the range)",
    },
    "autoscale-cooldown": {
      kind: "value",
      hint: "5s",
      about: "no step within this of the last, and none down before slots stood idle so long",
    },
    "autoscale-wait": { kind: "value", hint: "1s", about: "a task that waits longer is reason to go up" },
    isolates: { kind: "value", hint: "N", about: "child processes that run tasks (default: the cores)" },
    isolation: {
      kind: "value",
      hint: "HOW",
      about: "where tasks run: process (in children) or none (in the worker itself)",
      choices: ["process", "none"],
    },
    lease: {
      kind: "value",
      hint: "30s",
      about: "how long a task stays this worker's without a sign of life",
    },
    grace: { kind: "value", hint: "30s", about: "how long a stopping worker lets tasks finish" },
    name: { kind: "value", hint: "NAME", about: "its name in stem inspect workers (default: host and pid)" },
    "max-tasks": { kind: "value", hint: "N", about: "replace an isolate after so many tasks" },
    "max-rss": { kind: "value", hint: "512MB", about: "replace an isolate that holds so much memory" },
    beat: { kind: "switch", about: "fire schedules too, of stem.toml, the modules and the store" },
    drain: { kind: "switch", about: "leave when the queues are empty and nothing runs" },
    shell: { kind: "switch", about: "run commands that were sent with stem run" },
    "shell-allow": {
      kind: "list",
      hint: "PATTERN",
      about: "only commands of this absolute path or glob; may be repeated",
    },
    spool: {
      ...SPOOL_FLAG.spool,
      about: "deliver what was kept here while the store was away (default: spool.db in the state folder)",
    },
    systemd: { kind: "switch", about: "print a unit file for this command line, and leave" },
    ...STORE_FLAGS,
  },
} as const

export default defineCommand({
  ...definition,
  async run({ flags, operands, shell }): Promise<ExitCode> {
    atFullSpeed()
    const allow = flags["shell-allow"]
    const given = {
      ...{
        ...flags,
        drain: flags.drain || undefined,
        beat: flags.beat || undefined,
        shell: flags.shell || undefined,
      },
      "shell-allow": allow.length > 0 ? allow : undefined,
    }
    const { config } = await configured(shell, given, operands)
    const files = async () => (await configured(shell, given, operands)).files
    if (allow.length > 0 && !config.worker.shell)
      throw usage("--shell-allow narrows --shell, which was not given", "Add --shell.")
    if (config.worker.modules.length === 0 && !config.worker.shell)
      throw usage(
        "which tasks are to be run?",
        "Name a task module: stem worker ./tasks.ts (stem init writes one). For commands alone: stem worker --shell.",
      )
    if (flags.systemd) {
      await shell.stdout.write(
        unitFile({
          description: "Stem worker",
          start: [...(await ownCommand()), "worker"],
          given: givenWords(definition.flags, flags, operands, ["systemd"]),
          directory: shell.directory,
          stopMs: config.worker.graceMs,
          commands: config.worker.shell,
        }),
      )
      return EXIT.done
    }
    const manager = await serviceManager()
    const stores = await openStores(config)
    const log = startLog(shell, config.log)
    try {
      log.say("debug", "opening", `tasks live in ${maskUrl(config.broker)}`)
      const worker = tellService(manager, await startWorker(stores, config, log.hear, files))
      const signals = onSignals(listenForSignals, worker, log)
      manager?.ready()
      const { forced } = await worker.done
      signals.end()
      return forced ? (signals.forcedBy ?? EXIT.done) : EXIT.done
    } finally {
      await stores.close()
      log.flush()
    }
  },
})
