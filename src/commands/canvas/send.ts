import type { Client } from "../../core/client/client.ts"
import type { FlowEnd, SentFlow } from "../../core/client/flows.ts"
import type { Flow } from "../../core/task/flow.ts"
import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode } from "../shell/exit.ts"
import { showOne } from "../shell/output.ts"
import { cleanJson } from "../shell/terminal.ts"
import { durationFlag } from "../shell/times.ts"

/** What a command that sends a flow is told. */
interface SendFlags {
  readonly output?: string | undefined
  readonly wait?: string | true | undefined
  readonly "fail-on-duplicate"?: boolean
}

/** Sends a flow and prints its id; with `--wait`, the result of its end instead. */
export async function sendFlow(
  shell: Shell,
  flags: SendFlags,
  client: Client,
  flow: Flow,
): Promise<ExitCode> {
  const sent = await client.enqueue(flow)
  const { id, trail, kind, first } = sent
  if (kind === "duplicate" && flags["fail-on-duplicate"]) {
    shell.talk.error(`the id ${id} is known`, {
      code: "duplicate",
      hint: `Nothing was enqueued. See stem result ${id}.`,
    })
    return EXIT.duplicate
  }
  if (flags.wait === undefined || flags.output === "name")
    await showOne(shell, flags.output, {
      json: () => ({ id, ...first, duplicate: kind === "duplicate", trail }),
      name: () => id,
      table: () => `${id}\n`,
    })
  return flags.wait === undefined
    ? EXIT.done
    : waitForEnd(shell, { ...flags, wait: flags.wait }, client, sent)
}

async function waitForEnd(
  shell: Shell,
  { wait, output }: SendFlags & { wait: string | true },
  client: Client,
  sent: SentFlow,
): Promise<ExitCode> {
  if (shell.terminal.stderr) shell.talk.info(`waiting for the flow ${sent.id}`)
  const timeout = durationFlag("--wait", wait === true ? undefined : wait)
  const end = await client.waitForFlow(sent, timeout === undefined ? {} : { timeout })
  if (!end) {
    shell.talk.error(`the flow ${sent.id} has not ended after ${String(wait)}`, {
      code: "wait_timeout",
      hint: "It goes on. stem inspect task and stem inspect group show where it is.",
    })
    return EXIT.timeout
  }
  if (!end.ok) {
    shell.talk.error(sentenceOf(end), { code: `flow_${end.state}` })
    return EXIT.taskFailed
  }
  if (output !== "name")
    await shell.stdout.write(`${cleanJson(end.result ?? null, output === "ndjson" ? undefined : 2)}\n`)
  return EXIT.done
}

function sentenceOf({ id, state, error }: FlowEnd): string {
  const reason = error ? `: ${error.name}: ${error.message}` : ""
  return state === "broken"
    ? `group ${id} is broken${reason}`
    : `the flow ended at ${id}, which is ${state}${reason}`
}
