import type { ChildAsk, FlowAsk } from "../../core/task/child.ts"
import type { TaskContext } from "../../core/task/context.ts"
import { type Flow, isFlow } from "../../core/task/flow.ts"
import type { EnqueueOptions } from "../../core/task/options.ts"
import type { LoadedModules } from "../modules/load.ts"
import { afterTask, flowAsk, flowIdOf, nameOf, sendChild } from "./child-ask.ts"
import type { RunEffects, RunFacts } from "./effects.ts"
import { once } from "./once.ts"
import { coalesceProgress } from "./progress.ts"
import { taskLog } from "./task-log.ts"

/** A handler's context, and the strings by which it is held. */
export interface HeldContext {
  readonly context: TaskContext
  abort(reason: Error): void
  /** Sends the last progress, and waits for enqueues the handler did not wait for. Rejects if one was refused. */
  close(): Promise<void> | undefined
  /** What is to be enqueued with the success, once it has passed middleware. Rejects when that refused one. */
  after(): Promise<readonly (ChildAsk | FlowAsk)[]> | undefined
  /** Why its signal aborted. */
  reason(): Error | undefined
  /** The run is over: no more progress of it is sent. */
  release(): void
}

export function holdContext(facts: RunFacts, modules: LoadedModules, effects: RunEffects): HeldContext {
  let controller: AbortController | undefined
  let reason: Error | undefined
  let calls = 0
  const after: Promise<ChildAsk | FlowAsk>[] = []
  const open = new Set<Promise<unknown>>()
  const under = new Set<string>()
  const progress = coalesceProgress(effects)

  const parent = facts.id

  /** What the handler does not wait for is waited for at its end. */
  function asked<T>(call: () => Promise<T>): Promise<T> {
    const asking = Promise.resolve().then(call)
    open.add(asking)
    const forget = () => open.delete(asking)
    asking.then(forget, forget)
    return asking
  }

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
    enqueue(task: string | { readonly name?: string } | Flow, input?: unknown, options: EnqueueOptions = {}) {
      calls += 1
      const number = calls
      return asked(async () =>
        isFlow(task)
          ? ((await effects.ask({
              kind: "flow",
              ...(await flowAsk({ parent, number, flow: task, modules })),
            })) as string)
          : sendChild({ parent, number, name: nameOf(task, modules), modules, input, options }, effects),
      )
    },
    after(task: string | { readonly name?: string } | Flow, input?: unknown, options: EnqueueOptions = {}) {
      const number = `a${after.length + 1}`
      const call = { parent, number, modules }
      const [id, asking] = isFlow(task)
        ? [flowIdOf({ ...call, flow: task }), () => flowAsk({ ...call, flow: task })]
        : afterTask({ ...call, name: nameOf(task, modules), input, options })
      const passing = asking()
      // A refusal is thrown at the end, whether or not the handler is still busy then.
      passing.catch(() => {})
      after.push(passing)
      return id
    },
    once: (name, work) => asked(() => once(facts, effects, under, name, work)),
  }

  return {
    context,
    abort(error) {
      reason ??= error
      controller?.abort(reason)
    },
    close() {
      progress.flush()
      return open.size > 0 ? Promise.all(open).then(() => undefined) : undefined
    },
    after: () => (after.length > 0 ? Promise.all(after) : undefined),
    reason: () => reason,
    release: progress.stop,
  }
}
