import type { Extensions, Passed, WireOutgoing } from "../../core/contracts/extensions.ts"
import type { IsolateHooks } from "../../core/contracts/isolates.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import type { HookName } from "../../core/task/define-middleware.ts"
import { HOOK_DEADLINE } from "./hook-desk.ts"
import { createOutbox, isFull, push } from "./outbox.ts"
import { type IsolateProcess, loadError, startProcess } from "./process.ts"
import type { FromIsolateParcel, MiddlewareFacts, ToIsolateParcel } from "./protocol.ts"

export interface AideOptions {
  readonly command: readonly string[]
  readonly modules: readonly string[]
  readonly clock: Clock
  readonly hooks: Pick<IsolateHooks, "died" | "note">
  /** So many events may be unheard. */
  readonly most?: number
  /** So long may nothing be heard while something waits. */
  readonly patience?: Millis
}

/** Extensions in a process of their own, of modules that are known to have some. */
export interface Aide extends Extensions {
  /** Starts the process, and has it read the modules anew. What the one before was told is heard or given up first. */
  launch(facts: MiddlewareFacts): void
}

const LOOK: Millis = 1000
const FIRST_RETRY: Millis = 100
const LAST_RETRY: Millis = 30_000

/** Lives beside a pool: started with it, and anew with each of its reloads. */
export function createAide(options: AideOptions): Aide {
  const { command, modules, clock, hooks: tell, most = 10_000, patience = 3 * HOOK_DEADLINE } = options
  const over = new AbortController()
  let hooks: ReadonlySet<HookName> = new Set()
  let passes = false
  /** The process, once it has read the modules; until then what is for it waits. */
  let child: IsolateProcess | undefined
  let living: IsolateProcess | undefined
  let backlog: ToIsolateParcel[] = []
  let generation = 0
  let unheard = 0
  let dropped = 0
  let heardAt = 0
  let asked = 0
  const asking = new Map<number, (passed: Passed) => void>()
  const idle = new Set<() => void>()

  const outbox = createOutbox<ToIsolateParcel>(
    () => ({ kind: "parcel" }),
    (parcel) => {
      if (child) child.send(parcel)
      else backlog.push(parcel)
    },
  )

  function hear(of: number, parcel: FromIsolateParcel): void {
    if (of !== generation) return
    heardAt = clock.monotonic()
    if (parcel.heard) unheard = Math.max(0, unheard - parcel.heard)
    for (const failed of parcel.hookFailures ?? []) tell.note?.(failed)
    for (const [ask, passed] of parcel.passed ?? []) {
      asking.get(ask)?.(passed)
      asking.delete(ask)
    }
    if (parcel.unwell) child?.kill()
    if (unheard === 0) for (const wake of idle) wake()
  }

  function lose(): void {
    backlog = []
    dropped += unheard
    unheard = 0
    for (const answer of asking.values()) answer({ kind: "failed", reason: "its process died" })
    asking.clear()
    for (const wake of idle) wake()
  }

  /** Keeps one process alive until the next launch, or the end. */
  async function keep(of: number): Promise<void> {
    for (let failures = 0; of === generation && !over.signal.aborted; ) {
      if (failures > 0)
        await clock.sleep(Math.min(LAST_RETRY, FIRST_RETRY * 2 ** (failures - 1)), over.signal)
      if (of !== generation || over.signal.aborted) return
      const own = startProcess(command, { modules, watchRss: false }, (parcel) => hear(of, parcel))
      living = own
      const loaded = await own.ready.then(
        () => {
          if (of !== generation) return true
          child = own
          heardAt = clock.monotonic()
          for (const parcel of backlog.splice(0)) own.send(parcel)
          return true
        },
        (error) => {
          own.kill()
          if (of === generation)
            tell.died({ pid: own.pid, reason: loadError(modules, error).message, running: 0 })
          return false
        },
      )
      const { reason } = await own.gone
      if (of !== generation || over.signal.aborted) return
      child = undefined
      if (loaded) tell.died({ pid: own.pid, reason: `${reason} (it ran middleware's hooks)`, running: 0 })
      lose()
      failures = loaded && clock.monotonic() - heardAt < LAST_RETRY ? 1 : failures + 1
    }
  }

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(LOOK, over.signal)
      if (dropped > 0) tell.note?.({ kind: "hooks_dropped", count: dropped })
      dropped = 0
      const waits = unheard > 0 || asking.size > 0
      if (!waits) heardAt = clock.monotonic()
      else if (child && clock.monotonic() - heardAt > patience) child.kill()
    }
  }

  const settled = (within: Millis) =>
    new Promise<void>((resolve) => {
      if (unheard === 0) return resolve()
      const end = () => {
        clearTimeout(late)
        idle.delete(end)
        resolve()
      }
      const late = setTimeout(end, within)
      idle.add(end)
    })

  let watching: Promise<void> | undefined
  return {
    launch(facts) {
      generation += 1
      outbox.flush()
      const old = living
      // It was told, and has as long for it as any.
      if (old) setTimeout(() => old.kill(), child && unheard > 0 ? HOOK_DEADLINE : 0)
      if (child) unheard = 0
      child = undefined
      living = undefined
      lose()
      hooks = new Set(facts.hooks)
      passes = facts.enqueue
      if (hooks.size === 0 && !passes) return
      watching ??= watch()
      void keep(generation)
    },

    wants: (hook) => hooks.has(hook),

    tell(event) {
      if (unheard >= most) {
        dropped += 1
        return
      }
      if (unheard === 0) heardAt = clock.monotonic()
      unheard += 1
      const parcel = outbox.open()
      push(parcel, "hooks", event)
      if (isFull(parcel.hooks)) outbox.flush()
    },

    async pass(asks: readonly WireOutgoing[], within) {
      if (!passes) return asks.map((ask) => ({ kind: "passed", ask }))
      const late = Promise.withResolvers<Passed>()
      const timer = setTimeout(
        () => late.resolve({ kind: "failed", reason: `it has not ended within ${within} ms` }),
        within,
      )
      const numbers: number[] = []
      const answers = asks.map((ask) => {
        asked += 1
        const number = asked
        numbers.push(number)
        push(outbox.open(), "passing", [number, ask])
        return Promise.race([late.promise, new Promise<Passed>((resolve) => asking.set(number, resolve))])
      })
      try {
        return await Promise.all(answers)
      } finally {
        clearTimeout(timer)
        for (const number of numbers) asking.delete(number)
      }
    },

    async close() {
      outbox.flush()
      await settled(HOOK_DEADLINE)
      over.abort()
      generation += 1
      const own = living
      child = undefined
      own?.kill()
      await own?.gone
      dropped += unheard
      if (dropped > 0) tell.note?.({ kind: "hooks_dropped", count: dropped })
      await watching
    },
  }
}
