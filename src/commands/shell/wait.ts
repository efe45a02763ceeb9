import type { Client } from "../../core/client/client.ts"
import { isEnded, type TaskStatus } from "../../core/task/status.ts"
import type { Shell } from "./command.ts"
import { EXIT, type ExitCode } from "./exit.ts"
import { failureLine } from "./status.ts"
import { durationFlag } from "./times.ts"

/** What came of waiting: the status, and the exit code it means. */
export interface Waited {
  readonly status: TaskStatus
  readonly exit: ExitCode
}

/** Waits for a task to end. Says on stderr why it did not succeed, or that it has not ended in time. */
export async function waitFor(
  { talk }: Shell,
  client: Client,
  id: string,
  wait: string | true | undefined,
): Promise<Waited> {
  const timeout = durationFlag("--wait", wait === true ? undefined : wait)
  const status = (await client.wait(id, timeout === undefined ? {} : { timeout })) as TaskStatus
  if (!isEnded(status.state)) {
    talk.error(`task ${id} has not ended after ${String(wait)}: it is ${status.state}`, {
      code: "wait_timeout",
      hint: `Wait again with: stem result ${id} --wait`,
    })
    return { status, exit: EXIT.timeout }
  }
  if (status.state === "succeeded") return { status, exit: EXIT.done }
  const reason = status.error ? `: ${failureLine(status.error)}` : ""
  talk.error(`task ${id} ${status.state === "cancelled" ? "was cancelled" : status.state}${reason}`, {
    code: `task_${status.state}`,
  })
  return { status, exit: EXIT.taskFailed }
}
