/**
 * The main of a child process: loads the task modules, runs handlers, tells its supervisor how they ended.
 */

import type { HandlerAsk, IsolateLine } from "../../core/contracts/isolates.ts"
import { StemError } from "../../core/kit/errors.ts"
import type { ChildAsk } from "../../core/task/child.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import { systemClock } from "../clock.ts"
import { makeKeys } from "../modules/limits.ts"
import { type LoadedModules, loadModules } from "../modules/load.ts"
import { withVersion } from "../modules/version.ts"
import { type PublicNames, serveStem } from "../modules/virtual.ts"
import { abortError } from "./abort-error.ts"
import { type Attempt, startAttempt } from "./attempt.ts"
import { type Blame, watchForBlame } from "./blame.ts"
import type { RunEffects } from "./effects.ts"
import { fromWireError, toWireError } from "./errors.ts"
import { createHookDesk } from "./hook-desk.ts"
import { dieWithParent } from "./orphan.ts"
import { createOutbox, isFull, type Outbox, push } from "./outbox.ts"
import { factsOf, passThrough } from "./passing.ts"
import {
  type FromIsolateParcel,
  ISOLATE_MARK,
  type ToIsolate,
  type ToIsolateParcel,
  type WireRuns,
} from "./protocol.ts"

const RSS_EVERY_MS = 100
const NO_HEADERS = Object.freeze({})

/**
 * Becomes an isolate for the rest of this process's life: the promise never resolves. It rejects with
 * `not_for_people` when no supervisor started it.
 */
export async function isolateMain(exports: PublicNames): Promise<never> {
  const supervisor = process.env[ISOLATE_MARK]
  if (!supervisor || !process.send)
    throw new StemError(
      "invalid",
      "not_for_people",
      "this sub-command is how `stem worker` starts its own children",
    )
  delete process.env[ISOLATE_MARK]
  // A terminal sends its signals to everyone; the supervisor alone decides what they mean.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})
  dieWithParent(Number(supervisor))
  serveStem(exports)
  const send = takeChannel(process.send.bind(process))
  const outbox = createOutbox<FromIsolateParcel>(() => ({ kind: "parcel" }), send)
  const running = new Map<number, Attempt>()
  const blame = watchForBlame(running, outbox)
  let desk: ReturnType<typeof createDesk> | undefined
  process.on("message", async (message: ToIsolate) => {
    if (message.kind === "parcel") return desk?.read(message)
    try {
      const { loaded: modules, version } = await withVersion(() => loadModules(message.modules))
      desk = createDesk({ modules, running, outbox, blame, watchRss: message.watchRss })
      const { specs, schedules, middleware } = modules
      send({
        ...{ kind: "ready", specs: [...specs.values()], schedules, version },
        middleware: factsOf(middleware),
      })
    } catch (error) {
      send({ kind: "refused", error: toWireError(error) })
    }
  })
  return new Promise<never>(() => {})
}

/** The channel is ours alone: user code that looks for one takes itself for somebody else's child. */
function takeChannel(channel: (message: unknown) => unknown): (message: unknown) => void {
  Object.assign(process, { send: undefined })
  return (message) => {
    try {
      channel(message)
    } catch (error) {
      // Outcomes are in it: without them the supervisor would wait for ever, so it is to hear of a death.
      console.error("this isolate can not reach its supervisor:", error)
      process.kill(process.pid, "SIGKILL")
    }
  }
}

interface DeskParts {
  readonly modules: LoadedModules
  readonly running: Map<number, Attempt>
  readonly outbox: Outbox<FromIsolateParcel>
  readonly blame: Blame
  readonly watchRss: boolean
}

/** Everything that runs in this process, and what is waiting for an answer. */
function createDesk({ modules, running, outbox, blame, watchRss }: DeskParts) {
  const asking = new Map<number, { resolve(answer: unknown): void; reject(error: unknown): void }>()
  let asks = 0
  let rssAt = Number.NEGATIVE_INFINITY

  const ask = (what: ChildAsk | HandlerAsk) =>
    new Promise<unknown>((resolve, reject) => {
      asks += 1
      asking.set(asks, { resolve, reject })
      push(outbox.open(), "asks", [asks, what])
    })

  // At once: the next thing the handler does may be to crash or never to return.
  const log = (line: IsolateLine) => {
    push(outbox.open(), "logs", line)
    outbox.flush()
  }
  const enqueue = (child: ChildAsk) => ask(child) as Promise<string>

  const effectsOf = (run: number): RunEffects => ({
    clock: systemClock,
    progress(progress) {
      push(outbox.open(), "progress", [run, progress])
      outbox.flush()
    },
    log,
    enqueue,
    ask,
  })

  const hookDesk = createHookDesk({
    middleware: modules.middleware,
    heard(count) {
      const parcel = outbox.open()
      parcel.heard = (parcel.heard ?? 0) + count
    },
    failed: (note) => push(outbox.open(), "hookFailures", note),
  })

  function startAll(wire: WireRuns): void {
    const each = wire[8]
    for (let at = 0; at < each.length; at += 3)
      start(each[at] as number, each[at + 1] as string, each[at + 2], wire)
  }

  function start(run: number, id: string, input: unknown, wire: WireRuns): void {
    const [task, queue, attempt, maxAttempts, token, headers, softMs] = wire
    const facts = {
      id,
      task,
      queue,
      attempt,
      maxAttempts,
      token,
      input,
      headers: headers === 0 ? NO_HEADERS : headers,
      softMs,
    }
    const started = startAttempt(facts, {
      modules,
      effects: effectsOf(run),
      ended: (outcome) => end(run, outcome),
      within: (work) => blame.within(run, facts, work),
    })
    running.set(run, started)
  }

  function end(run: number, outcome: Outcome): void {
    running.delete(run)
    const parcel = outbox.open()
    if (outcome.kind === "succeeded" && !outcome.after) {
      if (parcel.done) parcel.done.push(run, outcome.result)
      else parcel.done = [run, outcome.result]
    } else push(parcel, "ended", [run, outcome])
    if (isFull(parcel.done, 2) || isFull(parcel.ended)) outbox.flush()
    if (!watchRss) return
    const now = systemClock.monotonic()
    if (now - rssAt < RSS_EVERY_MS) return
    rssAt = now
    outbox.open().rss = process.memoryUsage.rss()
  }

  return {
    read({ runs, aborts, answers, ping, keys, hooks, passing }: ToIsolateParcel): void {
      for (const [ask, task, input] of keys ?? [])
        void makeKeys(modules.tasks.get(task), input).then((made) =>
          push(outbox.open(), "keyed", [ask, made]),
        )
      if (ping) outbox.open().pong = true
      if (runs) for (const alike of inStartingOrder(runs, outbox)) startAll(alike)
      for (const [run, reason] of aborts ?? []) running.get(run)?.abort(abortError(reason))
      for (const [number, answer, error] of answers ?? []) {
        const waiting = asking.get(number)
        asking.delete(number)
        if (error) waiting?.reject(fromWireError(error))
        else waiting?.resolve(answer)
      }
      if (hooks) hookDesk.hear(hooks)
      for (const [ask, out] of passing ?? [])
        void passThrough(modules.middleware, out).then((passed) =>
          push(outbox.open(), "passed", [ask, passed]),
        )
    },
  }
}

/**
 * A handler may block the event loop, and those behind it must not pay for it with their hard limits. So limited
 * runs start first, the shortest limit first: when a limit passes, its run has started, or the one that kept it
 * from starting has passed its own before.
 */
function inStartingOrder(runs: WireRuns[], outbox: Outbox<FromIsolateParcel>): WireRuns[] {
  const limited = runs.filter((alike) => alike[7] > 0).sort((a, b) => a[7] - b[7])
  if (limited.length === 0) return runs
  outbox.open().began = limited.flatMap((alike) => alike[8].filter((_, at) => at % 3 === 0) as number[])
  outbox.flush()
  return [...limited, ...runs.filter((alike) => alike[7] === 0)]
}
