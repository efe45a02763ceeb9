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

export const holdContext = (facts: RunFacts, modules: LoadedModules, effects: RunEffects): HeldContext =>
  new Strings(facts, modules, effects)

/**
 * One is made for every task, which is a matter of microseconds: so what it can do stands on its prototype, and what
 * most handlers never need is made when it is first asked for.
 */
class Strings implements HeldContext {
  readonly context: TaskContext
  readonly #facts: RunFacts
  readonly #modules: LoadedModules
  readonly #effects: RunEffects
  #reason: Error | undefined
  #calls = 0
  #released = false
  #controller: AbortController | undefined
  #after: Promise<ChildAsk | FlowAsk>[] | undefined
  #open: Set<Promise<unknown>> | undefined
  #under: Set<string> | undefined
  #progress: ReturnType<typeof coalesceProgress> | undefined

  constructor(facts: RunFacts, modules: LoadedModules, effects: RunEffects) {
    this.#facts = facts
    this.#modules = modules
    this.#effects = effects
    this.context = contextOf(facts, effects, this)
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    const { signal } = this.#controller
    if (this.#reason && !signal.aborted) this.#controller.abort(this.#reason)
    return signal
  }

  tellProgress(value: number, data: unknown): void {
    if (!this.#progress) {
      this.#progress = coalesceProgress(this.#effects)
      if (this.#released) this.#progress.stop()
    }
    this.#progress.note(value, data)
  }

  enqueue(task: Enqueued, input: unknown, options: EnqueueOptions): Promise<string> {
    this.#calls += 1
    const [parent, number, modules, effects] = [this.#facts.id, this.#calls, this.#modules, this.#effects]
    return this.#asked(async () =>
      isFlow(task)
        ? ((await effects.ask({
            kind: "flow",
            ...(await flowAsk({ parent, number, flow: task, modules })),
          })) as string)
        : sendChild({ parent, number, name: nameOf(task, modules), modules, input, options }, effects),
    )
  }

  enqueueAfter(task: Enqueued, input: unknown, options: EnqueueOptions): string {
    this.#after ??= []
    const number = `a${this.#after.length + 1}`
    const [parent, modules] = [this.#facts.id, this.#modules]
    const call = { parent, number, modules }
    const [id, asking] = isFlow(task)
      ? [flowIdOf({ ...call, flow: task }), () => flowAsk({ ...call, flow: task })]
      : afterTask({ ...call, name: nameOf(task, modules), input, options })
    const passing = asking()
    // A refusal is thrown at the end, whether or not the handler is still busy then.
    passing.catch(() => {})
    this.#after.push(passing)
    return id
  }

  once<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    this.#under ??= new Set()
    const under = this.#under
    return this.#asked(() => once(this.#facts, this.#effects, under, name, work))
  }

  /** What the handler does not wait for is waited for at its end. */
  #asked<T>(call: () => Promise<T>): Promise<T> {
    const asking = Promise.resolve().then(call)
    this.#open ??= new Set()
    const open = this.#open.add(asking)
    const forget = () => open.delete(asking)
    asking.then(forget, forget)
    return asking
  }

  abort(reason: Error): void {
    this.#reason ??= reason
    this.#controller?.abort(this.#reason)
  }

  close(): Promise<void> | undefined {
    this.#progress?.flush()
    return this.#open && this.#open.size > 0 ? Promise.all(this.#open).then(() => undefined) : undefined
  }

  after(): Promise<readonly (ChildAsk | FlowAsk)[]> | undefined {
    return this.#after && Promise.all(this.#after)
  }

  reason(): Error | undefined {
    return this.#reason
  }

  release(): void {
    this.#released = true
    this.#progress?.stop()
  }
}

type Enqueued = string | { readonly name?: string } | Flow

/** Its members are its own, so that a handler may take them out of it or copy it. */
function contextOf(facts: RunFacts, effects: RunEffects, strings: Strings): TaskContext {
  return {
    id: facts.id,
    task: facts.task,
    queue: facts.queue,
    attempt: facts.attempt,
    maxAttempts: facts.maxAttempts,
    input: facts.input,
    headers: facts.headers,
    token: facts.token,
    idempotencyKey: facts.id,
    get signal() {
      return strings.signal
    },
    get log() {
      return taskLog(facts, effects)
    },
    progress: (value, data) => strings.tellProgress(value, data),
    enqueue: (task: Enqueued, input?: unknown, options: EnqueueOptions = {}) =>
      strings.enqueue(task, input, options),
    after: (task: Enqueued, input?: unknown, options: EnqueueOptions = {}) =>
      strings.enqueueAfter(task, input, options),
    once: (name, work) => strings.once(name, work),
  }
}
