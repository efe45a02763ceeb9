import type { Client } from "../../core/client/client.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { isEnded, type TaskStatus } from "../../core/task/status.ts"
import type { Printer } from "./output.ts"
import { writtenBy } from "./output.ts"

/** How often a running command's output is asked for. Workers store it about once a second. */
const LOOK_EVERY: Millis = 250

/** Prints a command's output as it comes, of every attempt, until the task ends or `until` has come. */
export async function follow(
  client: Client,
  id: string,
  printer: Printer,
  until: Millis = Number.POSITIVE_INFINITY,
): Promise<TaskStatus> {
  for (;;) {
    const timeout = Math.max(0, Math.min(LOOK_EVERY, until - Date.now()))
    const status = (await client.wait(id, { timeout })) as TaskStatus
    const written = writtenBy(status)
    if (written) await printer.print(written)
    if (isEnded(status.state) || Date.now() >= until) return status
  }
}
