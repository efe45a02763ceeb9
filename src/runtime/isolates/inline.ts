import type { Extensions } from "../../core/contracts/extensions.ts"
import type { IsolateHooks, Isolates } from "../../core/contracts/isolates.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import { createFreshLoader } from "../modules/fresh.ts"
import { makeKeys } from "../modules/limits.ts"
import type { LoadedModules } from "../modules/load.ts"
import { type PublicNames, serveStem } from "../modules/virtual.ts"
import { abortError } from "./abort-error.ts"
import { type Attempt, startAttempt } from "./attempt.ts"
import type { RunEffects } from "./effects.ts"
import { createInlineExtensions } from "./inline-extensions.ts"
import { CANCELLED, hardTimeLimit, INTERRUPTED } from "./run.ts"

export interface InlineIsolatesOptions {
  /** Task modules, absolute paths. */
  readonly modules: readonly string[]
  readonly clock: Clock
  /** What `import … from "stem"` gives to the modules. */
  readonly exports: PublicNames
}

interface InlineRun {
  readonly attempt: Attempt
  readonly token: number
  readonly end: (outcome: Outcome) => void
}

/**
 * `--isolation none`: user code in this process, for tests and tiny machines. The promises are those of child
 * processes as far as one process can keep them: a run can not be killed, so at a hard limit or a terminate it
 * ends as said while its handler is left behind with an aborted signal. A handler that blocks the event loop or
 * crashes takes the worker with it.
 */
export function createInlineIsolates({ modules, clock, exports }: InlineIsolatesOptions): Isolates {
  const load = createFreshLoader(modules)
  const running = new Set<InlineRun>()
  let loaded: LoadedModules | undefined
  let hooks: IsolateHooks
  let extensions: Extensions | undefined
  let stopped = false

  const take = (modules: LoadedModules) => {
    loaded = modules
    const { middleware } = modules
    extensions =
      middleware.length > 0 ? createInlineExtensions(middleware, (note) => hooks.note?.(note)) : undefined
  }

  const find = (id: string, token: number) =>
    [...running].find((run) => run.token === token && run.attempt.facts.id === id)

  const leaveBehind = (run: InlineRun | undefined, outcome: Outcome, why: Error) => {
    run?.end(outcome)
    run?.attempt.abort(why)
  }

  const effectsOf = (id: string, token: number): RunEffects => ({
    clock,
    progress: (progress) => hooks.progress(id, token, progress),
    log: (line) => hooks.log(line),
    enqueue: (ask) => hooks.enqueue(ask),
    ask: (ask) => hooks.ask(ask),
  })

  return {
    async start(given) {
      hooks = given
      serveStem(exports)
      take(await load())
    },

    extensions: () => extensions,

    specs: () => loaded?.specs ?? new Map(),
    schedules: () => loaded?.schedules ?? [],

    run: ({ delivery, maxAttempts, softMs = 0, hardMs = 0 }) =>
      new Promise((resolve) => {
        if (stopped || !loaded) return resolve(INTERRUPTED)
        const { envelope, lease, attempt } = delivery
        const { id, task, queue, input, headers } = envelope
        const { token } = lease
        const facts = { id, task, queue, attempt, maxAttempts, token, input: copy(input), headers, softMs }
        const run: InlineRun = {
          attempt: startAttempt(facts, {
            modules: loaded,
            effects: effectsOf(id, token),
            ended: (outcome) => run.end(outcome),
          }),
          token,
          end(outcome) {
            clearTimeout(limit)
            running.delete(run)
            resolve(outcome)
          },
        }
        running.add(run)
        const overrun = () => {
          const outcome = hardTimeLimit(hardMs)
          leaveBehind(
            run,
            outcome,
            Object.assign(new Error(`the hard time limit has passed`), { code: "hard_time_limit" }),
          )
        }
        const limit = hardMs > 0 ? setTimeout(overrun, hardMs) : undefined
      }),

    limitKeys: (asks) =>
      Promise.all(asks.map(({ task, input }) => makeKeys(loaded?.tasks.get(task), copy(input)))),

    abort: (id, token, reason) => find(id, token)?.attempt.abort(abortError(reason)),

    terminate: (id, token) => leaveBehind(find(id, token), CANCELLED, abortError("cancelled")),

    async reload() {
      take(await load())
    },

    async stop() {
      stopped = true
      for (const run of [...running]) leaveBehind(run, INTERRUPTED, abortError("shutdown"))
    },
  }
}

/** The envelope is frozen and a handler may write to its input, as it could in another process. */
const copy = (input: unknown): unknown =>
  typeof input === "object" && input !== null ? JSON.parse(JSON.stringify(input)) : input
