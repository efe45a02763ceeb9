import { basename } from "node:path"
import type { AbortReason, IsolateHooks, Isolates, Job } from "../../core/contracts/isolates.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { messageOf } from "../../core/kit/errors.ts"
import type { TaskSpec } from "../../core/task/define.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import { DEFAULT_RETRY } from "../../core/task/retry.ts"
import { parseShellInput, SHELL_TASK, type ShellOutput } from "../../core/task/shell.ts"
import { selfCommand } from "../isolates/process.ts"
import { CANCELLED, hardTimeLimit, INTERRUPTED } from "../isolates/run.ts"
import { inheritedBy, stdinOf, toldTo } from "./environment.ts"
import { type Minder, type MinderEnd, startMinder } from "./minder-handle.ts"
import { outcomeOf, refusedOutcome, withOutput } from "./outcome.ts"
import { findProgram } from "./program.ts"
import { MINDER_COMMAND, type MinderRun, type Refused } from "./protocol.ts"

export interface ShellOptions {
  /** Absolute paths or globs of what may be run; empty: everything. */
  readonly allow: readonly string[]
  readonly clock: Clock
  /** Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** How a minder is started; default: this executable again, with its hidden sub-command. */
  readonly command?: readonly string[]
}

/** What a worker knows of the task `shell`. */
const SPEC: TaskSpec = Object.freeze({
  name: SHELL_TASK,
  description: "runs a command",
  queue: "default",
  priority: 5,
  retry: DEFAULT_RETRY,
  timeLimits: {},
  source: "stem worker --shell",
})

/** Another worker may run it by now, and a command can not be told apart from its double. */
const LOST_GRACE_MS = 2000

interface ShellRun {
  readonly job: Job
  /** What people know the command by. */
  readonly name: string
  readonly minder: Minder
  /** How it ends whatever the command says: it was killed for this. */
  fate?: Outcome
  softly?: boolean
  output?: ShellOutput
  readonly timers: Set<ReturnType<typeof setTimeout>>
}

/** Commands as the runs of the task `shell`, each in a process group of its own under a minder. */
export function createShell(options: ShellOptions): Isolates {
  const { allow, clock, env = process.env, command = selfCommand(MINDER_COMMAND) } = options
  const specs = new Map([[SHELL_TASK, SPEC]])
  const inherited = inheritedBy(env)
  const running = new Set<ShellRun>()
  let hooks: IsolateHooks
  let stopped = false

  function prepare({ delivery, maxAttempts }: Job): MinderRun | Refused {
    const input = parseShellInput(delivery.envelope.input)
    const cwd = input.cwd ?? process.cwd()
    const found = findProgram(input, { cwd, path: inherited.PATH ?? "" }, allow)
    if ("kind" in found) return found
    const { umask, nice, user } = input
    const own = toldTo(input, delivery, maxAttempts)
    return { ...found, cwd, env: inherited, own, umask, nice, user, stdin: stdinOf(input) }
  }

  function launch(job: Job, prepared: MinderRun): ShellRun {
    const { envelope, lease, attempt } = job.delivery
    const { softMs, hardMs } = job
    const minder = startMinder(command, prepared, {
      started() {
        if (softMs) later(run, softMs, () => soften(run))
        if (hardMs) later(run, hardMs, () => killFor(run, hardTimeLimit(hardMs)))
      },
      output(output) {
        run.output = output
        const value = output.written.stdout + output.written.stderr
        hooks.progress(envelope.id, lease.token, { value, data: { attempt, ...output }, at: clock.now() })
      },
    })
    const run: ShellRun = { job, name: basename(prepared.argv0), minder, timers: new Set() }
    return run
  }

  function later(run: ShellRun, ms: number, act: () => void): void {
    run.timers.add(setTimeout(act, ms))
  }

  function soften(run: ShellRun): void {
    run.softly = true
    run.minder.term()
  }

  function killFor(run: ShellRun, fate: Outcome): void {
    run.fate ??= fate
    run.minder.kill()
  }

  function conclude({ fate, softly, output, job, name }: ShellRun, end: MinderEnd): Outcome {
    const said = end.kind === "ended" ? end.output : output
    // It finished before it was struck.
    if (end.kind === "ended" && end.code === 0) return outcomeOf(end, name)
    if (fate) return said ? withOutput(fate, said) : fate
    if (end.kind === "ended") return outcomeOf(end, name, softly ? job.softMs : undefined)
    if (end.kind === "refused") return refusedOutcome(end)
    const error = { name: "CommandLost", code: "minder_lost", message: `its minder died: ${end.reason}` }
    return { kind: "lost", error }
  }

  const find = (id: string, token: number) =>
    [...running].find(
      ({ job: { delivery } }) => delivery.envelope.id === id && delivery.lease.token === token,
    )

  return {
    async start(given) {
      hooks = given
    },

    specs: () => specs,

    async run(job) {
      if (stopped) return INTERRUPTED
      let prepared: MinderRun | Refused
      try {
        prepared = prepare(job)
      } catch (error) {
        const failure = { name: "InvalidInput", code: "invalid_input", message: messageOf(error) }
        return { kind: "failed", error: failure, names: ["InvalidInput"], final: true }
      }
      if ("kind" in prepared) return refusedOutcome(prepared)
      const run = launch(job, prepared)
      running.add(run)
      const end = await run.minder.end
      running.delete(run)
      for (const timer of run.timers) clearTimeout(timer)
      return conclude(run, end)
    },

    abort(id, token, reason: AbortReason) {
      const run = find(id, token)
      if (!run) return
      run.minder.term()
      if (reason === "lease_lost") later(run, LOST_GRACE_MS, () => killFor(run, INTERRUPTED))
    },

    terminate(id, token) {
      const run = find(id, token)
      if (run) killFor(run, CANCELLED)
    },

    // There is nothing to read anew.
    async reload() {},

    async stop() {
      stopped = true
      const living = [...running]
      for (const run of living) killFor(run, INTERRUPTED)
      await Promise.all(living.map(({ minder }) => minder.end))
    },
  }
}
