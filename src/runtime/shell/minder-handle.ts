import { messageOf } from "../../core/kit/errors.ts"
import type { ShellOutput } from "../../core/task/shell.ts"
import { ISOLATE_MARK } from "../isolates/protocol.ts"
import { kill } from "./descendants.ts"
import type { Ended, FromMinder, MinderRun, Refused, ToMinder } from "./protocol.ts"

/** The minder of one command, seen from the worker. */
export interface Minder {
  /** How it ended. Everything it said has been heard, and the minder is gone. Never rejects. */
  readonly end: Promise<MinderEnd>
  /** TERM for the command's whole group. */
  term(): void
  /** KILL for the command and all that descends from it. */
  kill(): void
}

/** How a command ended; "lost" when its minder died under it. */
export type MinderEnd = Ended | Refused | { readonly kind: "lost"; readonly reason: string }

/** What is told while it goes on. */
export interface MinderHooks {
  started(): void
  output(output: ShellOutput): void
}

/** A minder that has not started anything by then, or has not killed what it was told to, is itself killed. */
const START_WITHIN_MS = 30_000
const KILL_WITHIN_MS = 3000

/** Starts a minder and hands it the command. */
export function startMinder(command: readonly string[], run: MinderRun, hooks: MinderHooks): Minder {
  const end = Promise.withResolvers<MinderEnd>()
  const heard = Promise.withResolvers<void>()
  let last: Ended | Refused | undefined
  let pid: number | undefined
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const giveUpAfter = (ms: number) => timers.add(setTimeout(() => child.kill("SIGKILL"), ms))

  function hear(message: FromMinder): void {
    if (message.kind === "output") hooks.output(message.output)
    else if (message.kind === "started") {
      pid = message.pid
      clear()
      hooks.started()
    } else {
      last = message
      child.kill("SIGKILL")
    }
  }

  function clear(): void {
    for (const timer of timers) clearTimeout(timer)
    timers.clear()
  }

  let child: Bun.Subprocess
  try {
    child = Bun.spawn({
      cmd: [...command],
      // A minder's own environment can be read by its command, so there is nothing in it.
      env: { [ISOLATE_MARK]: String(process.pid) },
      stdio: ["ignore", 2, 2],
      serialization: "json",
      ipc: hear,
      onDisconnect: () => heard.resolve(),
      async onExit(_child, code, signal) {
        await Promise.race([heard.promise, Bun.sleep(1000)])
        clear()
        // It may have been killed from outside, and then its group is still there.
        if (last === undefined && pid !== undefined) kill(-pid)
        const reason = signal === null ? `exit code ${code}` : `signal ${signal}`
        end.resolve(last ?? { kind: "lost", reason })
      },
    })
  } catch (error) {
    const refused: Refused = { kind: "refused", code: "EAGAIN", message: `no minder: ${messageOf(error)}` }
    return { end: Promise.resolve(refused), term() {}, kill() {} }
  }
  const send = (message: ToMinder) => {
    try {
      child.send(message)
    } catch {
      child.kill("SIGKILL")
    }
  }
  giveUpAfter(START_WITHIN_MS)
  send({ kind: "run", run })
  return {
    end: end.promise,
    term: () => send({ kind: "term" }),
    kill() {
      send({ kind: "kill" })
      giveUpAfter(KILL_WITHIN_MS)
    },
  }
}
