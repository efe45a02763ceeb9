#!/usr/bin/env bun
/**
 * The door for people: parse, run one command, show errors, answer with an exit code.
 *
 * `stem` is called from scripts, so what is imported here is all that `stem --help` pays for; a command and
 * everything it needs is loaded when it is run.
 */
import { EXAMPLES, ROOT } from "./commands/index.ts"
import type { Shell } from "./commands/shell/command.ts"
import { EXIT, type ExitCode, tell } from "./commands/shell/exit.ts"
import { soonAtFullSpeed } from "./commands/shell/pace.ts"
import { presets } from "./commands/shell/presets.ts"
import { route } from "./commands/shell/route.ts"
import { runRoute } from "./commands/shell/run.ts"
import { openStderr } from "./commands/shell/stderr.ts"
import { ClosedPipe, openStdout } from "./commands/shell/stdout.ts"
import { createTalk } from "./commands/shell/talk.ts"
import { isTerminal, painter, wantsColor } from "./commands/shell/terminal.ts"

async function main(tokens: readonly string[]): Promise<ExitCode> {
  const { env } = process
  const terminal = { stdin: isTerminal(0), stdout: isTerminal(1), stderr: isTerminal(2) }
  // Known before anything is parsed, so that a mistake in the arguments is told the way it was asked for.
  const { color, debug, json } = presets(tokens, env)
  const stderr = openStderr()
  const paintTalk = painter(wantsColor(color, env, terminal.stderr))
  const talk = createTalk(paintTalk, { level: "info", json }, stderr.print)
  const shell: Shell = {
    stdout: openStdout(),
    stderr,
    talk,
    paint: painter(wantsColor(color, env, terminal.stdout)),
    color,
    env,
    directory: process.cwd(),
    terminal,
    debug,
    root: ROOT,
  }
  try {
    const exit = await runRoute(route(tokens, ROOT), EXAMPLES, shell)
    await shell.stdout.flush()
    return exit
  } catch (error) {
    if (error instanceof ClosedPipe) return EXIT.done
    await shell.stdout.flush().catch(() => {})
    const { code, message, hint, exit } = tell(error)
    talk.error(message, { code, ...(hint !== undefined && { hint }) })
    if (debug) stderr.print(Bun.inspect(error))
    return exit
  } finally {
    await stderr.flush()
  }
}

soonAtFullSpeed()
process.exit(await main(process.argv.slice(2)))
