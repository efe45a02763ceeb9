import type {
  AbortReason,
  HandlerAsk,
  IsolateHooks,
  LimitKeyAsk,
  LimitKeys,
} from "../../core/contracts/isolates.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { ChildAsk } from "../../core/task/child.ts"
import { toWireError } from "./errors.ts"
import { createOutbox, MOST, push } from "./outbox.ts"
import { type Ended, type IsolateProcess, startProcess } from "./process.ts"
import type { FromIsolateParcel, ToIsolateParcel } from "./protocol.ts"
import { hardTimeLimit, packRun, type Run } from "./run.ts"

/** An isolate and the runs it holds. Its owner decides when to give it more, and what becomes of it. */
export interface Isolate {
  readonly pid: number
  readonly ready: IsolateProcess["ready"]
  /** How it ended; what runs it still held are the caller's to resolve. */
  readonly gone: Promise<IsolateEnd>
  /** Runs it holds now. */
  readonly load: number
  /** Runs it has been given. */
  readonly given: number
  /** True once it may take no more: too old, too large, unwell or replaced. */
  readonly retired: boolean
  /** It was killed on purpose. */
  readonly killed: boolean
  give(run: Run): void
  abort(run: Run, reason: AbortReason): void
  /** Kills it for this run's sake, which ends as said; the others are not to pay. */
  killFor(run: Run, fate: Run["fate"]): void
  /** Has keys made; rejects when it is gone before it has answered. */
  makeKeys(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]>
  /** Takes no more runs, finishes those it has, then is killed. */
  retire(): void
  kill(): void
  find(id: string, token: number): Run | undefined
}

export interface IsolateEnd extends Ended {
  /** The runs it took with it. */
  readonly held: readonly Run[]
  /** Set when it was a run that called process.exit. */
  readonly exiting?: { readonly run: number; readonly code: number } | undefined
  /** It was killed because its event loop did not turn while a run's time ran out. */
  readonly blocked: boolean
}

export interface IsolateLimits {
  /** 0: never. */
  readonly maxTasks: number
  readonly maxRssBytes: number
}

export interface IsolateOwner {
  readonly command: readonly string[]
  readonly modules: readonly string[]
  readonly limits: IsolateLimits
  readonly hooks: IsolateHooks
  /** It takes no more; a replacement is wanted. */
  retired(isolate: Isolate): void
}

/** An event loop that does not turn for so long is blocked. */
const ANSWERS_WITHIN_MS = 250

export function startIsolate({ command, modules, limits, hooks, retired }: IsolateOwner): Isolate {
  const runs = new Map<number, Run>()
  const pinged: (() => void)[] = []
  const keyed = new Map<number, (made: LimitKeys) => void>()
  let keyAsks = 0
  let blocked = false
  let exiting: IsolateEnd["exiting"]
  let given = 0
  /** Runs in the parcel that is open. */
  let packed = 0
  let isRetired = false
  let isKilled = false

  const child = startProcess(command, { modules, watchRss: limits.maxRssBytes > 0 }, hear)
  const outbox = createOutbox<ToIsolateParcel>(() => ({ kind: "parcel" }), child.send, queueMicrotask)

  const kill = () => {
    isKilled = true
    child.kill()
  }

  function take(number: number): Run | undefined {
    const run = runs.get(number)
    if (!run) return undefined
    runs.delete(number)
    if (run.hardTimer) clearTimeout(run.hardTimer)
    return run
  }

  function hear(parcel: FromIsolateParcel): void {
    for (const number of parcel.began ?? []) timeHard(runs.get(number))
    for (const line of parcel.logs ?? []) hooks.log(line)
    for (const [number, progress] of parcel.progress ?? []) {
      const run = runs.get(number)
      if (run) hooks.progress(run.job.delivery.envelope.id, run.job.delivery.lease.token, progress)
    }
    for (const [ask, what] of parcel.asks ?? []) answer(ask, what)
    const { done, ended } = parcel
    if (done)
      for (let at = 0; at < done.length; at += 2)
        take(done[at] as number)?.resolve({ kind: "succeeded", result: done[at + 1] })
    if (ended) for (const [number, outcome] of ended) take(number)?.resolve(outcome)
    for (const [ask, made] of parcel.keyed ?? []) keyed.get(ask)?.(made)
    if (parcel.pong) for (const heard of pinged.splice(0)) heard()
    if (parcel.exiting) exiting = { run: parcel.exiting[0], code: parcel.exiting[1] }
    if (parcel.unwell || tooLarge(parcel.rss)) isolate.retire()
    if (isRetired && runs.size === 0) kill()
  }

  const tooLarge = (rss: number | undefined) =>
    rss !== undefined && limits.maxRssBytes > 0 && rss > limits.maxRssBytes

  function timeHard(run: Run | undefined): void {
    const hardMs = run?.job.hardMs
    if (run && hardMs) run.hardTimer = setTimeout(() => void endOfTime(run, hardMs), hardMs)
  }

  /**
   * A run whose time is over may have been kept from running by a neighbour that holds the thread. If the event loop
   * does not turn, nobody knows who is to blame: the isolate dies as by a crash, and each run is tried alone.
   */
  async function endOfTime(run: Run, hardMs: Millis): Promise<void> {
    if (runs.size > 1 && !(await turns())) {
      if (!runs.has(run.number)) return
      blocked = true
      child.kill()
      return
    }
    if (runs.has(run.number)) isolate.killFor(run, hardTimeLimit(hardMs))
  }

  function turns(): Promise<boolean> {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), ANSWERS_WITHIN_MS)
      pinged.push(() => {
        clearTimeout(late)
        resolve(true)
      })
      outbox.open().ping = true
    })
  }

  function answer(ask: number, what: ChildAsk | HandlerAsk): void {
    const answering: Promise<unknown> = "kind" in what ? hooks.ask(what) : hooks.enqueue(what)
    answering.then(
      (said) => push(outbox.open(), "answers", [ask, said]),
      (error) => push(outbox.open(), "answers", [ask, null, toWireError(error)]),
    )
  }

  const isolate: Isolate = {
    pid: child.pid,
    ready: child.ready,
    gone: child.gone.then((ended) => {
      isRetired = true
      const held = [...runs.values()]
      for (const run of held) take(run.number)
      return { ...ended, held, exiting, blocked }
    }),
    get load() {
      return runs.size
    },
    get given() {
      return given
    },
    get retired() {
      return isRetired
    },
    get killed() {
      return isKilled
    },
    give(run) {
      given += 1
      runs.set(run.number, run)
      const parcel = outbox.open()
      if (!parcel.runs) {
        parcel.runs = []
        packed = 0
      }
      packRun(parcel.runs, run)
      packed += 1
      if (packed >= MOST) outbox.flush()
      if (limits.maxTasks > 0 && given >= limits.maxTasks) isolate.retire()
    },
    abort(run, reason) {
      run.aborted = reason
      push(outbox.open(), "aborts", [run.number, reason])
    },
    makeKeys: (asks) =>
      Promise.all(
        asks.map(({ task, input }) => {
          const ask = ++keyAsks
          push(outbox.open(), "keys", [ask, task, input])
          const made = new Promise<LimitKeys>((resolve) => keyed.set(ask, resolve))
          const gone = child.gone.then(({ reason }) => {
            throw new Error(`the process that makes keys of limits died: ${reason}`)
          })
          return Promise.race([made, gone]).finally(() => keyed.delete(ask))
        }),
      ),
    killFor(run, fate) {
      run.fate = fate
      kill()
    },
    retire() {
      if (isRetired) return
      isRetired = true
      retired(isolate)
      if (runs.size === 0) kill()
    },
    kill,
    find: (id, token) => {
      for (const run of runs.values()) {
        const { envelope, lease } = run.job.delivery
        if (envelope.id === id && lease.token === token) return run
      }
      return undefined
    },
  }
  return isolate
}
