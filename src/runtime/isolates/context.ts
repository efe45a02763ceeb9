import type { AbortReason } from "../../core/contracts/isolates.ts"
import type { TaskContext } from "../../core/task/context.ts"
import type { LoadedModules } from "../modules/load.ts"
import { childAsk, nameOf } from "./child-ask.ts"
import type { RunEffects, RunFacts } from "./effects.ts"
import { coalesceProgress } from "./progress.ts"
import { taskLog } from "./task-log.ts"

/** A handler's context, and the strings by which it is held. */
export interface HeldContext {
  readonly context: TaskContext
  abort(reason: Error): void
  /** Sends the last progress, and waits for enqueues the handler did not wait for. Rejects if one was refused. */
  close(): Promise<void> | undefined
  /** The run is over: no more progress of it is sent. */
  release(): void
}

const REASONS: Record<AbortReason, string> = {
  soft_time_limit: "the soft time limit has passed",
  cancelled: "the task was cancelled",
  lease_lost: "the lease on this task was lost; another worker may run it now",
  shutdown: "the worker is shutting down",
}

export const abortError = (reason: AbortReason): Error =>
  Object.assign(new Error(REASONS[reason]), { name: "AbortError", code: reason })

export function holdContext(facts: RunFacts, modules: LoadedModules, effects: RunEffects): HeldContext {
  let controller: AbortController | undefined
  let reason: Error | undefined
  let children = 0
  const asked = new Set<Promise<unknown>>()
  const progress = coalesceProgress(effects)

  const context: TaskContext = {
    id: facts.id,
    task: facts.task,
    queue: facts.queue,
    attempt: facts.attempt,
    maxAttempts: facts.maxAttempts,
    input: facts.input,
    headers: facts.headers,
    token: facts.token,
    idempotencyKey: facts.id,
    // Made when it is first looked at: most handlers never do.
    get signal() {
      controller ??= new AbortController()
      if (reason && !controller.signal.aborted) controller.abort(reason)
      return controller.signal
    },
    get log() {
      return taskLog(facts, effects)
    },
    progress: progress.note,
    enqueue(task, input, options = {}) {
      children += 1
      const number = children
      const asking = Promise.resolve().then(() =>
        effects.enqueue(childAsk({ parent: facts.id, number, name: nameOf(task, modules), input, options })),
      )
      asked.add(asking)
      const forget = () => asked.delete(asking)
      asking.then(forget, forget)
      return asking
    },
  }

  return {
    context,
    abort(error) {
      reason ??= error
      controller?.abort(reason)
    },
    close() {
      progress.flush()
      return asked.size > 0 ? Promise.all(asked).then(() => undefined) : undefined
    },
    release: progress.stop,
  }
}
