import type { AbortReason, ChildAsk, IsolateLine } from "../../core/contracts/isolates.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { parseDuration } from "../../core/kit/duration.ts"
import { invalid, messageOf } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import type { EnqueueOptions, LogFields, TaskContext, TaskLog } from "../../core/task/context.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { Progress } from "../../core/task/status.ts"
import type { LoadedModules } from "../modules/load.ts"

/** What is known of a run where the handler is. */
export interface RunFacts {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly attempt: number
  readonly maxAttempts: number
  readonly token: number
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly softMs: Millis
}

/** What a handler does to the world outside, done by whoever runs it. */
export interface RunEffects {
  readonly clock: Clock
  progress(progress: Progress): void
  log(line: IsolateLine): void
  enqueue(ask: ChildAsk): Promise<string>
}

/** A handler's context, and the strings by which it is held. */
export interface HeldContext {
  readonly context: TaskContext
  abort(reason: Error): void
  /** Sends the last progress, and waits for enqueues the handler did not wait for. Rejects if one was refused. */
  close(): Promise<void> | undefined
  /** Nothing of this run is sent from now on. */
  release(): void
}

const PROGRESS_EVERY_MS = 250

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
  const progress = coalesce(effects)

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
      return logOf(facts, effects)
    },
    progress: progress.note,
    enqueue(task, input, options = {}) {
      children += 1
      const number = children
      const asking = Promise.resolve().then(() =>
        effects.enqueue(childAsk(facts.id, number, modules, task, input, options, effects.clock)),
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

function coalesce({ clock, progress }: RunEffects) {
  let waiting: Progress | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let sentAt = Number.NEGATIVE_INFINITY
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (!waiting) return
    sentAt = clock.monotonic()
    progress(waiting)
    waiting = undefined
  }
  return {
    flush,
    stop: () => clearTimeout(timer),
    note(value: number, data?: unknown) {
      if (typeof value !== "number" || !Number.isFinite(value))
        throw invalid("invalid_progress", `progress must be a finite number, not ${String(value)}`)
      const kept = data === undefined ? undefined : JSON.parse(toJson(data, "the progress data"))
      waiting = { value, ...(data !== undefined && { data: kept }), at: clock.now() }
      const wait = sentAt + PROGRESS_EVERY_MS - clock.monotonic()
      if (wait <= 0) flush()
      else timer ??= setTimeout(flush, wait)
    },
  }
}

function logOf(facts: RunFacts, effects: RunEffects): TaskLog {
  const write = (level: IsolateLine["level"]) => (message: string, fields?: LogFields) =>
    effects.log({
      id: facts.id,
      task: facts.task,
      level,
      message: String(message),
      ...(fields && { fields: plainFields(fields) }),
    })
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") }
}

/** A log line never fails the task: what JSON can not carry is written as text. */
function plainFields(fields: LogFields): Record<string, unknown> {
  const plain = ([key, value]: [string, unknown]) => {
    if (value instanceof Error) return [key, toFailure(value)]
    try {
      return [key, JSON.parse(toJson(value, key))]
    } catch {
      return [key, messageOf(value)]
    }
  }
  return Object.fromEntries(Object.entries(fields).map(plain))
}

function childAsk(
  parent: string,
  number: number,
  modules: LoadedModules,
  task: string | object,
  input: unknown,
  options: EnqueueOptions,
  clock: Clock,
): ChildAsk {
  const name = typeof task === "string" ? task : (modules.nameOf(task) ?? (task as { name?: string }).name)
  if (!name)
    throw invalid(
      "unnamed_task",
      "ctx.enqueue was given a definition that has no name and is not exported by a module of this worker",
      "Add `name` to its defineTask, or enqueue it by name.",
    )
  // Where the sender is silent the definition decides, if this worker knows it.
  const spec = modules.specs.get(name)
  const { at, expires, ...rest } = options
  return {
    parent,
    task: name,
    input: JSON.parse(toJson(input, `the input of ${name}`)),
    options: {
      ...(spec && { queue: spec.queue, priority: spec.priority }),
      ...rest,
      id: options.id ?? `${parent}.${number}`,
      ...(at !== undefined && { at: at.getTime() }),
      ...(expires !== undefined
        ? { expires: expires instanceof Date ? expires.getTime() : `${parseDuration(expires)}ms` }
        : spec?.expiresInMs !== undefined && { expires: clock.now() + spec.expiresInMs }),
    },
  }
}
