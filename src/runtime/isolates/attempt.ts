import { parseDuration } from "../../core/kit/duration.ts"
import { messageOf, StemError } from "../../core/kit/errors.ts"
import { jsonCopy } from "../../core/kit/json.ts"
import { runThrough } from "../../core/task/chains.ts"
import type { Middleware } from "../../core/task/define-middleware.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import { describeIssues } from "../../core/task/schema.ts"
import type { LoadedTask } from "../modules/definition.ts"
import type { LoadedModules } from "../modules/load.ts"
import { abortError } from "./abort-error.ts"
import { type HeldContext, holdContext } from "./context.ts"
import type { RunEffects, RunFacts } from "./effects.ts"
import { namesOf } from "./errors.ts"

/** A run in progress, in the process of its handler. */
export interface Attempt {
  readonly facts: RunFacts
  /** Aborts the handler's signal. */
  abort(reason: Error): void
  /** Ends the run as failed, now, whatever the handler still does; its signal aborts. */
  fail(error: unknown): void
}

/** What an attempt needs beside its facts. */
export interface AttemptParts {
  readonly modules: LoadedModules
  readonly effects: RunEffects
  /** Told the outcome, once, after startAttempt has returned. */
  readonly ended: (outcome: Outcome) => void
  /** Surrounds everything of the user's, so that what happens there later can be told apart. */
  readonly within?: <T>(work: () => T) => T
}

/**
 * Runs a handler once: input checked, soft limit timed, result checked, errors as facts.
 *
 * A result that JSON can not carry, or that is too large, is final: the work is done, and doing it again would
 * only double its effects.
 */
export function startAttempt(facts: RunFacts, parts: AttemptParts): Attempt {
  const attempt = new OneAttempt(facts, parts)
  attempt.begin()
  return attempt
}

/** With its methods on a prototype: one is made for every task. */
class OneAttempt implements Attempt {
  readonly facts: RunFacts
  readonly #parts: AttemptParts
  readonly #held: HeldContext
  #limit: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(facts: RunFacts, parts: AttemptParts) {
    this.facts = facts
    this.#parts = parts
    this.#held = holdContext(facts, parts.modules, parts.effects)
  }

  begin(): void {
    const { modules, within } = this.#parts
    const [facts, held] = [this.facts, this.#held]
    const task = modules.tasks.get(facts.task)
    if (facts.softMs > 0)
      this.#limit = setTimeout(() => held.abort(abortError("soft_time_limit")), facts.softMs)
    const work = () => (task ? perform(task, facts, held, modules.middleware) : unknownTask(facts.task))
    const performed = within ? within(work) : work()
    performed.then(
      (outcome) => this.#finish(outcome),
      (error) => this.#failed(error),
    )
  }

  abort(reason: Error): void {
    this.#held.abort(reason)
  }

  fail(error: unknown): void {
    this.#failed(error)
    this.#held.abort(error instanceof Error ? error : new Error(messageOf(error)))
  }

  #failed(error: unknown): void {
    const { modules, effects } = this.#parts
    this.#finish(failureOf(this.facts, modules.tasks.get(this.facts.task), error, effects))
  }

  #finish(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    if (this.#limit) clearTimeout(this.#limit)
    this.#held.release()
    this.#parts.ended(outcome)
  }
}

async function perform(
  task: LoadedTask,
  facts: RunFacts,
  held: HeldContext,
  middleware: readonly Middleware[],
): Promise<Outcome> {
  const result = await (middleware.some(({ run }) => run)
    ? performWithin(middleware, task, facts, held)
    : task.input
      ? handle(task, facts.input, held)
      : task.run(facts.input, held.context))
  const closing = held.close()
  if (closing) await closing
  const following = held.after()
  const after = following && (await following)
  const outcome = succeeded(result)
  return outcome.kind === "succeeded" && after ? { ...outcome, after } : outcome
}

/** Checks the input, and runs the handler with it. */
async function handle(task: LoadedTask, given: unknown, held: HeldContext): Promise<unknown> {
  let input = given
  if (task.input) {
    const checking = task.input["~standard"].validate(input)
    const checked = checking instanceof Promise ? await checking : checking
    if (checked.issues) throw new InvalidInput(describeIssues(checked.issues))
    input = checked.value
  }
  return task.run(input, held.context)
}

/** The same inside of middleware, which may make anything of it but one: that the lease was lost is not to be hidden. */
async function performWithin(
  middleware: readonly Middleware[],
  task: LoadedTask,
  { input }: RunFacts,
  held: HeldContext,
): Promise<unknown> {
  let lost: { readonly error: unknown } | undefined
  const result = await runThrough(middleware, held.context, input, async (given) => {
    try {
      return await handle(task, given, held)
    } catch (error) {
      if ((held.reason() as { code?: unknown } | undefined)?.code === "lease_lost") lost = { error }
      throw error
    }
  })
  if (lost) throw lost.error
  return result
}

/** Input that its schema refuses: no other attempt would like it better. */
class InvalidInput extends Error {
  override name = "InvalidInput"
  readonly code = "invalid_input"
}

function succeeded(result: unknown): Outcome {
  if (result === undefined || result === null) return { kind: "succeeded", result: null }
  try {
    // A copy: what the handler changes afterwards is not part of its answer.
    return { kind: "succeeded", result: jsonCopy(result, () => "the result") }
  } catch (error) {
    if (!(error instanceof StemError)) throw error
    return {
      kind: "failed",
      error: { name: "InvalidResult", code: error.code, message: error.message },
      final: true,
    }
  }
}

const invalidInput = (issues: string): Outcome => ({
  kind: "failed",
  error: { name: "InvalidInput", code: "invalid_input", message: issues },
  names: ["InvalidInput"],
  final: true,
})

const unknownTask = async (task: string): Promise<Outcome> => ({
  kind: "failed",
  error: { name: "UnknownTask", code: "unknown_task", message: `no module of this worker defines "${task}"` },
})

function failureOf(
  facts: RunFacts,
  task: LoadedTask | undefined,
  thrown: unknown,
  effects: RunEffects,
): Outcome {
  if (thrown instanceof InvalidInput) return invalidInput(thrown.message)
  const retryInMs = askedDelay(facts, thrown, effects) ?? backoffDelay(facts, task, thrown, effects)
  return {
    kind: "failed",
    error: toFailure(thrown),
    names: namesOf(thrown),
    ...(retryInMs !== undefined && { retryInMs }),
  }
}

/** What the error itself asks for: `retryAfter`, a length or a Date. */
function askedDelay(facts: RunFacts, thrown: unknown, effects: RunEffects): number | undefined {
  const asked = (thrown as { retryAfter?: unknown } | null | undefined)?.retryAfter
  if (asked === undefined || asked === null) return undefined
  if (asked instanceof Date) return Math.max(0, asked.getTime() - effects.clock.now())
  return readDelay(facts, effects, "the error's retryAfter", () => asked)
}

function backoffDelay(
  facts: RunFacts,
  task: LoadedTask | undefined,
  thrown: unknown,
  effects: RunEffects,
): number | undefined {
  const { backoff } = task ?? {}
  return backoff && readDelay(facts, effects, "the backoff function", () => backoff(facts.attempt, thrown))
}

function readDelay(
  { id, task }: RunFacts,
  { log }: RunEffects,
  what: string,
  read: () => unknown,
): number | undefined {
  try {
    return parseDuration(read() as number | string)
  } catch (error) {
    const message = `${what} can not be used, the default backoff is: ${messageOf(error)}`
    log({ id, task, level: "warn", message })
    return undefined
  }
}
