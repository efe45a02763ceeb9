import { StemError } from "../core/kit/errors.ts"
import { SHELL_TASK } from "../core/task/shell.ts"
import { isEnded, type TaskStatus } from "../core/task/status.ts"
import { follow } from "./logs/follow.ts"
import { createPrinter, writtenBy } from "./logs/output.ts"
import { unknownTask } from "./result.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { STORE_FLAGS } from "./shell/flags.ts"
import { withStores } from "./shell/stores.ts"

export default defineCommand({
  usage: "<id>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem logs 0199…", "what the command has written so far, or before it ended"],
    ["stem logs -f 0199…", "go on until it has ended"],
    ["stem logs 0199… 2> /dev/null", "its stdout alone"],
  ],
  notes:
    "The command's stdout goes to stdout, its stderr to stderr. A worker stores the end of what a running command has written about once a second.",
  flags: {
    follow: { kind: "switch", short: "f", about: "go on until the command has ended" },
    ...STORE_FLAGS,
  },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ client }) => {
      const id = operands[0] as string
      const status = (await client.result(id)) as TaskStatus | undefined
      if (!status) throw unknownTask(id)
      if (status.task !== SHELL_TASK)
        throw new StemError("failed", "no_command", `task ${id} is "${status.task}", which is no command`, {
          hint: `Only commands have their output kept. What a task returned: stem result ${id}`,
        })
      const printer = createPrinter(shell)
      if (flags.follow && !isEnded(status.state)) await follow(client, id, printer)
      else {
        const written = writtenBy(status)
        if (written) await printer.print(written)
        else shell.talk.info(`nothing was kept of what task ${id} has written; it is ${status.state}`)
      }
      return EXIT.done
    }),
})
