import type { AbortReason, Isolates, Job } from "../../src/core/contracts/isolates.ts"
import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import type { TaskSpec } from "../../src/core/task/define.ts"
import type { Outcome } from "../../src/core/task/outcome.ts"
import { DEFAULT_RETRY } from "../../src/core/task/retry.ts"

/** One run of a handler, as the simulation sees it. */
export interface Run {
  readonly id: string
  readonly token: number
  readonly attempt: number
  readonly machine: number
  readonly input: unknown
  readonly startedAt: Millis
  endedAt?: Millis
  aborted?: AbortReason
}

/** What a simulated task does, read from its input, or from a header where the input is a step's. */
export interface Script {
  /** How long it takes. */
  readonly ms: Millis
  /** How many attempts fail first. */
  readonly fails?: number
  /** How many attempts kill their isolate first. */
  readonly crashes?: number
  /** It does not listen to its signal. */
  readonly deaf?: boolean
}

export const SPEC: TaskSpec = {
  name: "sim",
  queue: "default",
  priority: 5,
  retry: { ...DEFAULT_RETRY, max: 5 },
  timeLimits: {},
  source: "sim",
}

/** Isolates without processes: handlers that sleep on the machine's clock, and a diary of all runs. */
export function simulatedIsolates(clock: Clock, machine: number, diary: Run[], spec = SPEC): Isolates {
  const running = new Map<string, { run: Run; stop: AbortController; end: (outcome: Outcome) => void }>()
  const keyOf = (id: string, token: number) => `${id} ${token}`

  async function handle(job: Job, run: Run, stop: AbortSignal): Promise<Outcome> {
    const { input, headers } = job.delivery.envelope
    const script = (headers.script === undefined ? input : JSON.parse(headers.script)) as Script
    await clock.sleep(script.ms, script.deaf ? undefined : stop)
    if (run.aborted && !script.deaf)
      return { kind: "failed", error: { name: "Error", message: "aborted", code: run.aborted } }
    if (run.attempt <= (script.crashes ?? 0))
      return { kind: "lost", error: { name: "IsolateCrashed", message: "crash" } }
    if (run.attempt <= (script.fails ?? 0)) return { kind: "failed", error: { name: "Error", message: "no" } }
    return {
      kind: "succeeded",
      result: headers.script === undefined ? { token: run.token } : { tag: headers.tag, got: input },
    }
  }

  return {
    async start() {},
    specs: () => new Map([[spec.name, spec]]),
    schedules: () => [],
    run(job) {
      const { envelope, lease } = job.delivery
      const run: Run = {
        ...{ id: envelope.id, token: lease.token, attempt: job.delivery.attempt, machine },
        input: envelope.input,
        startedAt: clock.now(),
      }
      diary.push(run)
      const stop = new AbortController()
      return new Promise((resolve) => {
        const key = keyOf(envelope.id, lease.token)
        const end = (outcome: Outcome) => {
          if (!running.delete(key)) return
          run.endedAt = clock.now()
          resolve(outcome)
        }
        running.set(key, { run, stop, end })
        void handle(job, run, stop.signal).then(end)
      })
    },
    abort(id, token, reason) {
      const one = running.get(keyOf(id, token))
      if (!one) return
      one.run.aborted = reason
      one.stop.abort()
    },
    terminate(id, token) {
      running.get(keyOf(id, token))?.end({ kind: "cancelled" })
    },
    async reload() {},
    async stop() {
      for (const { end } of [...running.values()]) end({ kind: "interrupted" })
    },
  }
}
