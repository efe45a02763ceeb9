import type { Shell } from "./command.ts"
import { usage } from "./exit.ts"

/**
 * Asks before something that can not be undone. Only a terminal is asked; elsewhere `--yes` has to be given.
 * Answers whether to go on.
 */
export async function confirm({ terminal, talk }: Shell, question: string, yes: boolean): Promise<boolean> {
  if (yes) return true
  if (!terminal.stdin || !terminal.stderr)
    throw usage("this asks for a confirmation, and there is no terminal to ask on", "Give --yes to go on.")
  const { createInterface } = await import("node:readline/promises")
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `)
    if (/^y(es)?$/i.test(answer.trim())) return true
    talk.info("Nothing was done.")
    return false
  } finally {
    lines.close()
  }
}
