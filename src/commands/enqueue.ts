import { enqueueFile } from "./enqueue/file.ts"
import { enqueueOne } from "./enqueue/one.ts"
import { TASK_FLAGS } from "./enqueue/options.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT, usage } from "./shell/exit.ts"
import { OUTPUT_FLAG, SPOOL_FLAG, STORE_FLAGS } from "./shell/flags.ts"

const definition = {
  usage: "<task> [input | key=value … | -]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem enqueue hello name=World", "prints the id once the store has it"],
    [`stem enqueue image.resize '{"file":"a.png","width":300}' --delay 10m`, "JSON input, in ten minutes"],
    ["stem enqueue report --wait=30s > report.json", "waits, and prints the result as JSON"],
    ["curl -s example.com/data.json | stem enqueue import -", "input from stdin"],
    ["stem enqueue --file jobs.ndjson", `one {"task":…,"input":…} a line, as many as you like`],
    [
      "stem enqueue extract url=a.csv --then transform --then load",
      "a chain: each is given the result before it",
    ],
    ["stem enqueue report --unique --unique-for 1h", "not while one waits or runs, nor within the hour"],
    ["stem enqueue hello --spool", "keeps it on this machine when the store is away"],
  ],
  notes:
    "A value of key=value is JSON if it reads as JSON, else text. With --file the options are defaults for lines that are silent.",
  flags: {
    ...TASK_FLAGS,
    wait: { kind: "optional", hint: "30s", about: "wait for its end and print the result as JSON" },
    then: {
      kind: "list",
      hint: "TASK",
      about: "the next task of a chain, or a flow as JSON; may be repeated",
    },
    file: { kind: "value", hint: "PATH", about: "many tasks, one JSON object a line; - is stdin" },
    module: { kind: "value", hint: "PATH", about: "check the input against this module's task" },
    ...SPOOL_FLAG,
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
} as const

export default defineCommand({
  ...definition,
  async run({ flags, operands, shell }) {
    if (flags.file !== undefined) {
      if (operands.length > 1)
        throw usage("--file brings the input", "Give at most a task's name, for lines without one.")
      if (flags.then.length > 0) throw usage("--then is for one task; --file brings many")
      for (const flag of ["id", "wait"] as const)
        if (flags[flag] !== undefined) throw usage(`--${flag} is for one task; --file brings many`)
      return enqueueFile(shell, flags, flags.file, operands[0])
    }
    const [task, ...input] = operands
    if (task === undefined)
      throw usage(
        "which task?",
        `Usage: stem enqueue ${definition.usage}, or stem enqueue --file jobs.ndjson`,
      )
    const exit = await enqueueOne(shell, flags, task, input)
    return exit ?? EXIT.done
  },
})
