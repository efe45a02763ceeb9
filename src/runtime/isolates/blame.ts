import { AsyncLocalStorage } from "node:async_hooks"
import { toFailure } from "../../core/task/failure.ts"
import type { Attempt } from "./attempt.ts"
import type { RunFacts } from "./effects.ts"
import { type Outbox, push } from "./outbox.ts"
import type { FromIsolateParcel } from "./protocol.ts"

/** Knows which run code belongs to, for what happens outside of any await: late throws and exits. */
export interface Blame {
  within<T>(run: number, facts: RunFacts, work: () => T): T
}

interface Place {
  readonly run: number
  readonly facts: RunFacts
}

/**
 * Watches for errors that nobody catches and for `process.exit`.
 *
 * An error of a known run fails that run and leaves its neighbours alone; after the run it is only logged. An
 * error of nobody known is shown, and the isolate asks to be replaced once its runs are through: killing it would
 * cost those who have done nothing. A call of `process.exit` is told to the supervisor with the name of the run.
 */
export function watchForBlame(
  running: ReadonlyMap<number, Attempt>,
  outbox: Outbox<FromIsolateParcel>,
): Blame {
  const places = new AsyncLocalStorage<Place>()

  function accuse(thrown: unknown): void {
    const place = places.getStore() ?? alone(running)
    const attempt = place && running.get(place.run)
    if (attempt) {
      attempt.fail(thrown)
      return
    }
    const failure = toFailure(thrown)
    if (!place) {
      console.error("an error that nobody caught, and of no known task:", thrown)
      outbox.open().unwell = failure
      return
    }
    push(outbox.open(), "logs", {
      id: place.facts.id,
      task: place.facts.task,
      level: "error",
      message: `after the task had ended: ${failure.name}: ${failure.message}`,
      fields: { stack: failure.stack },
    })
  }
  process.on("uncaughtException", accuse)
  // Bun keeps no context for these: only a run that is alone can be known.
  process.on("unhandledRejection", accuse)

  const exit = process.exit.bind(process)
  process.exit = ((code?: number | string | null) => {
    const place = places.getStore() ?? alone(running)
    if (place) outbox.open().exiting = [place.run, Number(code ?? process.exitCode ?? 0)]
    outbox.flush()
    return exit(code)
  }) as typeof process.exit

  return {
    within: (run, facts, work) => places.run({ run, facts }, work),
  }
}

function alone(running: ReadonlyMap<number, Attempt>): Place | undefined {
  if (running.size !== 1) return undefined
  for (const [run, { facts }] of running) return { run, facts }
  return undefined
}
