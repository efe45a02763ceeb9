import { invalid, messageOf, StemError } from "../kit/errors.ts"
import type { TaskContext } from "./context.ts"
import type { Middleware, Outgoing } from "./define-middleware.ts"
import type { TaskId } from "./envelope.ts"
import type { Step } from "./flow.ts"

/**
 * Runs a handler inside of middleware, the first outermost. What the outermost returns is the result. `next` may be called
 * once by each; who does not call it answers in the handler's place.
 */
export function runThrough(
  chain: readonly Middleware[],
  ctx: TaskContext,
  input: unknown,
  handler: (input: unknown) => Promise<unknown>,
): Promise<unknown> {
  const from = async (at: number, given: unknown): Promise<unknown> => {
    const one = chain[at]
    if (!one) return handler(given)
    if (!one.run) return from(at + 1, given)
    let called = false
    return one.run(ctx, (...changed: [unknown?]) => {
      if (called)
        throw invalid(
          "next_twice",
          `middleware "${nameOf(one)}" has called next twice`,
          "Call it once a run.",
        )
      called = true
      return from(at + 1, changed.length > 0 ? changed[0] : given)
    })
  }
  return from(0, input)
}

/**
 * Sends a task through middleware, the first outermost; `store` has the last word. Answers what the store answered. Throws
 * `refused` with what a middleware threw, `not_sent` when one did not call `next`, `middleware_changed` when one changed
 * what is fixed, and what the store throws. `next` may be called again after it has failed, not after it has succeeded.
 */
export async function sendThrough<S extends { readonly id: TaskId }>(
  chain: readonly Middleware[],
  ask: Outgoing,
  store: (ask: Outgoing) => Promise<S>,
): Promise<S> {
  let answer: S | undefined
  let failed: unknown
  const from = async (at: number, given: Outgoing): Promise<S> => {
    const one = chain[at]
    if (!one) {
      if (answer)
        throw invalid(
          "next_twice",
          `${ask.task} was sent already`,
          "Call next again only after it has failed.",
        )
      try {
        answer = await store(given)
        return answer
      } catch (error) {
        failed = error
        throw error
      }
    }
    if (!one.enqueue) return from(at + 1, given)
    try {
      await one.enqueue(given, async (changed = given) => {
        if (changed.id !== ask.id || changed.task !== ask.task)
          throw invalid(
            "middleware_changed",
            `middleware "${nameOf(one)}" changed the ${changed.id !== ask.id ? "id" : "task"} of ${ask.task}`,
            "Both are fixed; input and options may be changed.",
          )
        return from(at + 1, changed)
      })
    } catch (error) {
      if (error instanceof StemError || error === failed) throw error
      throw invalid(
        "refused",
        `middleware "${nameOf(one)}" refused ${ask.task}: ${messageOf(error)}`,
        undefined,
        error,
      )
    }
    if (answer) return answer
    if (failed !== undefined) throw failed
    throw invalid(
      "not_sent",
      `middleware "${nameOf(one)}" has neither sent ${ask.task} nor refused it`,
      "Call next(), or throw.",
    )
  }
  return from(0, ask)
}

/**
 * Takes a step of a flow through middleware, under the flow's id, for its own is not known yet. `next` resolves when it
 * has passed: the flow is sent when all its steps have. Throws as {@link sendThrough} does.
 */
export async function stepThrough(chain: readonly Middleware[], id: TaskId, step: Step): Promise<Step> {
  if (!chain.some(({ enqueue }) => enqueue)) return step
  const { id: _, merge, ...options } = step.options ?? {}
  let passed: Outgoing | undefined
  const ask = { id, task: step.task as string, input: step.input ?? null, options }
  await sendThrough(chain, ask, async (out) => {
    passed = out
    return { id }
  })
  const { input, options: changed } = passed as Outgoing
  return {
    ...{ kind: "task", task: step.task },
    ...(input !== null && { input }),
    options: { ...changed, ...(merge !== undefined && { merge }) },
  }
}

const nameOf = ({ name }: Middleware) => name ?? "without a name"
