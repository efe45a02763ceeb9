import type { RunningWorker } from "../../core/worker/worker.ts"
import type { listenForSignals } from "../../stem.ts"
import { EXIT, type ExitCode } from "../shell/exit.ts"
import type { Log } from "./log.ts"

/** What signals have asked for so far. */
export interface Signals {
  /** The exit code that a second signal means for what was not finished. */
  readonly forcedBy: ExitCode | undefined
  end(): void
}

/** First signal: drain. Second: abort and hand back. Third: leave at once; the leases then run out by themselves. */
export function onSignals(listen: typeof listenForSignals, worker: RunningWorker, log: Log): Signals {
  let forcedBy: ExitCode | undefined
  const end = listen({
    stop(signal, count) {
      const code = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated
      if (count === 1) return worker.drain()
      forcedBy = code
      if (count === 2) return worker.abort()
      log.say("warn", "left", "leaving at once; what still ran is taken over when its lease has run out")
      log.flush()
      process.exit(code)
    },
    reload: () => void worker.reload(),
  })
  return {
    get forcedBy() {
      return forcedBy
    },
    end,
  }
}
