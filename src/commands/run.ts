import type { Client } from "../core/client/client.ts"
import { SHELL_TASK } from "../core/task/shell.ts"
import type { TaskStatus } from "../core/task/status.ts"
import { optionsFromFlags, TASK_FLAGS } from "./enqueue/options.ts"
import { withSender } from "./enqueue/sender.ts"
import { follow } from "./logs/follow.ts"
import { createPrinter, writtenBy } from "./logs/output.ts"
import { COMMAND_FLAGS, commandFromFlags } from "./run/command.ts"
import { endingOf } from "./run/ending.ts"
import { defineCommand, type Shell } from "./shell/command.ts"
import { EXIT, type ExitCode } from "./shell/exit.ts"
import { OUTPUT_FLAG, SPOOL_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { statusJson } from "./shell/status.ts"
import { durationFlag } from "./shell/times.ts"

export default defineCommand({
  usage: "-- <command…>",
  operands: { least: 1, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem run -- pg_dump -f /backup/shop.sql shop", "prints the task's id once the store has it"],
    ["stem run --wait -- make -C /srv/site", "waits; its output and exit code are the command's"],
    ["stem run --logs --retries 0 -- ./import.sh", "shows what it writes while it runs"],
    ["stem run --sh -- 'mysqldump shop | gzip > /backup/shop.gz'", "pipes and the like need a shell"],
    ["stem run --queue nightly --delay 2h --user backup -- backup-all", "later, as somebody else"],
  ],
  notes: `A worker that was started with --shell runs it, on whichever machine that is. Exit code 0 is a success; 64, 65, 126 and
127 fail for good; any other is tried again as --retries says. With --wait and --logs the exit code is the command's own, 128 and
more when a signal ended it, 4 when it came to no exit code, and 5 when it took longer than was said.`,
  flags: {
    ...COMMAND_FLAGS,
    ...TASK_FLAGS,
    wait: {
      kind: "optional",
      hint: "30s",
      about: "wait for its end; its output and exit code are the command's",
    },
    logs: { kind: "switch", about: "wait, and show its output while it runs" },
    ...SPOOL_FLAG,
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }): Promise<ExitCode> {
    const options = optionsFromFlags(flags)
    const command = await commandFromFlags(operands, flags, () => Bun.stdin.text())
    const wait = flags.wait ?? (flags.logs || undefined)
    const timeout = durationFlag("--wait", wait === true ? undefined : wait)
    return withSender(shell, flags, async ({ client }) => {
      const sent = await client.enqueue(SHELL_TASK, command, options)
      const { id, state } = sent
      const duplicate = sent.kind === "duplicate"
      if (duplicate && flags["fail-on-duplicate"]) {
        shell.talk.error(`the id ${id} is known: its task is ${state}`, {
          code: "duplicate",
          hint: `Nothing was enqueued. See stem result ${id}.`,
        })
        return EXIT.duplicate
      }
      if (wait === undefined || flags.output === "name")
        await showOne(shell, flags.output, {
          json: () => ({ id, task: SHELL_TASK, queue: sent.queue, state, duplicate }),
          name: () => id,
          table: () => `${id}\n`,
        })
      if (wait === undefined) return EXIT.done
      if (sent.kind === "spooled") {
        shell.talk.error(`task ${id} can not be waited for: it is kept until the store is back`, {
          code: "spooled",
          hint: `Wait for it then: stem logs -f ${id}`,
        })
        return EXIT.timeout
      }
      const status = await ended(shell, client, id, { ...flags, timeout })
      return endingOf(shell, status, wait)
    })
  },
})

/** Waits for the end, and shows what was written in the way that was asked for. */
async function ended(
  shell: Shell,
  client: Client,
  id: string,
  how: {
    readonly logs: boolean
    readonly output?: string | undefined
    readonly timeout?: number | undefined
  },
): Promise<TaskStatus> {
  const { logs, output, timeout } = how
  const printer = createPrinter(shell)
  const until = timeout === undefined ? undefined : Date.now() + timeout
  if (logs && output === undefined) return follow(client, id, printer, until)
  const status = (await client.wait(id, timeout === undefined ? {} : { timeout })) as TaskStatus
  if (output === "json" || output === "ndjson")
    await showOne(shell, output, { json: () => statusJson({ status }), name: () => id, table: () => "" })
  else if (output !== "name") {
    const written = writtenBy(status)
    if (written) await printer.print(written)
  }
  return status
}
