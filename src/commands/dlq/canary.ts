import type { Client } from "../../core/client/client.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode } from "../shell/exit.ts"
import { failureLine } from "../shell/status.ts"

/** Waits for the first few to end. Answers `failed` when one did not succeed: then the rest stay dead. */
export async function tryCanaries(
  { talk }: Shell,
  client: Client,
  canaries: readonly DeadLetter[],
  rest: number,
): Promise<ExitCode> {
  talk.info(`waiting for ${canaries.length} to end before the other ${Math.max(0, rest)} follow`)
  const ends = (await Promise.all(canaries.map(({ id }) => client.wait(id)))) as TaskStatus[]
  const failed = ends.filter(({ state }) => state !== "succeeded")
  const [first] = failed
  if (!first) return EXIT.done
  const reason = first.error ? `: ${failureLine(first.error)}` : ""
  talk.error(`${failed.length} of ${canaries.length} ended ${first.state} again${reason}`, {
    code: "canary_failed",
    hint: `The others stay among the dead letters. See stem dlq show ${first.id}.`,
  })
  return EXIT.failed
}
