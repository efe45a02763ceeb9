import type { Shell } from "./command.ts"
import { EXIT, type ExitCode, usage } from "./exit.ts"
import { durationFlag } from "./times.ts"

const DEFAULT_MS = 2000
const LEAST_MS = 100

/** Shows something once, or with `--watch` again and again, on a terminal in the same place. */
export async function showOrWatch(
  { stdout, terminal }: Shell,
  watch: string | true | undefined,
  show: () => Promise<ExitCode>,
): Promise<ExitCode> {
  if (watch === undefined) return show()
  const every = watch === true ? DEFAULT_MS : (durationFlag("--watch", watch) ?? DEFAULT_MS)
  if (every < LEAST_MS) throw usage(`--watch: ${watch} is too short`, `The least is ${LEAST_MS}ms.`)
  for (;;) {
    if (terminal.stdout) await stdout.write("\u001b[H\u001b[2J\u001b[3J")
    const exit = await show()
    await stdout.flush()
    if (exit !== EXIT.done) return exit
    await Bun.sleep(every)
  }
}
