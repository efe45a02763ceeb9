import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode } from "../shell/exit.ts"
import { readJson } from "../shell/json.ts"
import { showOne } from "../shell/output.ts"
import { cleanJson } from "../shell/terminal.ts"
import { waitFor } from "../shell/wait.ts"
import { readInput } from "./input.ts"
import { definitionsOf } from "./module.ts"
import { optionsFromFlags, type TaskFlags } from "./options.ts"
import { type Sender, withSender } from "./sender.ts"

interface OneFlags extends TaskFlags {
  readonly module?: string | undefined
  readonly wait?: string | true | undefined
  readonly output?: string | undefined
  readonly "fail-on-duplicate": boolean
  readonly then: readonly string[]
}

/** Enqueues one task and prints its id; with `--wait`, its result instead. */
export async function enqueueOne(
  shell: Shell,
  flags: OneFlags & Readonly<Record<string, unknown>>,
  task: string,
  operands: readonly string[],
): Promise<ExitCode> {
  const options = optionsFromFlags(flags)
  const input = await readInput(operands, () => Bun.stdin.text())
  const definitions = flags.module === undefined ? undefined : await definitionsOf(shell, flags.module)
  const target = definitions?.of(task) ?? task
  const send = async ({ client }: Sender) => {
    if (flags.then.length > 0) {
      const [{ chain, step }, { readFlow }, { sendFlow }] = await Promise.all([
        import("../../core/task/flow.ts"),
        import("../canvas/flow-file.ts"),
        import("../canvas/send.ts"),
      ])
      const links = flags.then.map((link) => readFlow(flowText(link)))
      return sendFlow(shell, flags, client, chain(step(target as string, input, options), ...links))
    }
    const sent = await client.enqueue(target, input, options)
    const duplicate = sent.kind === "duplicate"
    if (duplicate && flags["fail-on-duplicate"]) {
      const known = sent.id === options.id ? `the id ${sent.id} is known` : `its key is taken by ${sent.id}`
      shell.talk.error(`${known}: that task is ${sent.state}`, {
        code: "duplicate",
        hint: `Nothing was enqueued. See stem result ${sent.id}.`,
      })
      return EXIT.duplicate
    }
    if (flags.wait === undefined || flags.output === "name") {
      await showOne(shell, flags.output, {
        json: () => ({ id: sent.id, task, queue: sent.queue, state: sent.state, duplicate }),
        name: () => sent.id,
        table: () => `${sent.id}\n`,
      })
    }
    if (flags.wait === undefined) return EXIT.done
    if (sent.kind === "spooled") {
      shell.talk.error(`task ${sent.id} can not be waited for: it is kept until the store is back`, {
        code: "spooled",
        hint: `Wait for it then: stem result ${sent.id} --wait`,
      })
      return EXIT.timeout
    }
    if (shell.terminal.stderr) shell.talk.info(`waiting for ${sent.id}`)
    const { status, exit } = await waitFor(shell, client, sent.id, flags.wait)
    if (exit === EXIT.done && flags.output !== "name")
      await shell.stdout.write(
        `${cleanJson(status.result ?? null, flags.output === "ndjson" ? undefined : 2)}\n`,
      )
    return exit
  }
  return withSender(shell, flags, send, definitions?.middleware)
}

/** A task's name, or a flow as JSON. */
const flowText = (text: string) => (/^\s*[{["]/.test(text) ? readJson(text, "--then") : text)
