import type { AbortReason, IsolateHooks, Isolates, Job } from "../../core/contracts/isolates.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { TaskSpec } from "../../core/task/define.ts"
import { needsCode } from "../../core/task/limit-spec.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { showPath } from "../modules/source.ts"
import { changedBetween, digestOf, type Version } from "../modules/version.ts"
import { type Aide, createAide } from "./aide.ts"
import { createChoice } from "./choice.ts"
import { createGate } from "./gate.ts"
import { type Isolate, startIsolate } from "./isolate-handle.ts"
import { createKeyMaker } from "./key-maker.ts"
import { loadError, selfCommand } from "./process.ts"
import type { Defined, MiddlewareFacts } from "./protocol.ts"
import { createQuarantine } from "./quarantine.ts"
import { CANCELLED, crashed, exited, INTERRUPTED, type Run, unstarted } from "./run.ts"

export interface ProcessIsolatesOptions {
  /** Task modules, absolute paths. */
  readonly modules: readonly string[]
  /** How many child processes. */
  readonly isolates: number
  /** An isolate is replaced after so many tasks; 0: never. */
  readonly maxTasks?: number
  /** An isolate is replaced once it holds so much memory; 0: never. */
  readonly maxRssBytes?: number
  readonly clock: Clock
  /** Told what middleware there is, in place of a process for it. */
  readonly defined?: ((facts: MiddlewareFacts) => void) | undefined
  /** How a child is started; default: this executable again, with its hidden sub-command. */
  readonly command?: readonly string[]
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 30_000

type End = Awaited<Isolate["gone"]>

/** User code in child processes: a crash, a leak or a blocked event loop there costs the supervisor nothing. */
export function createProcessIsolates(options: ProcessIsolatesOptions): Isolates {
  const { modules, maxTasks = 0, maxRssBytes = 0, clock, command = selfCommand() } = options
  let size = options.isolates
  let hooks: IsolateHooks
  let specs: ReadonlyMap<string, TaskSpec> = new Map()
  let schedules: readonly Schedule[] = []
  let version: Version = {}
  /** What was told of other code, so that it is told once. */
  let toldOf = ""
  let numbers = 0
  /** Ready isolates that take runs. */
  let team: Isolate[] = []
  let generation = 0
  let aide: Aide | undefined
  /** Members of this generation that are on their way. */
  let coming = 0
  /** Every process that lives, whatever its part. */
  const all = new Set<Isolate>()
  /** Runs for which there is no isolate at this moment. */
  let backlog: Run[] = []
  const stopping = new AbortController()
  const choose = createChoice<Isolate>()
  const gate = createGate(() => hooks)

  function launch(part: { retired?(isolate: Isolate): void } = {}): Isolate {
    const isolate = startIsolate({
      command,
      modules,
      hooks,
      limits: { maxTasks, maxRssBytes },
      retired: part.retired ?? (() => {}),
    })
    all.add(isolate)
    isolate.gone.then((end) => {
      all.delete(isolate)
      if (!isolate.killed && end.wasReady)
        hooks.died({ pid: isolate.pid, reason: end.reason, running: end.held.length })
      settleHeld(end, isolate.killed)
    })
    return isolate
  }

  const keyMaker = createKeyMaker({ launch, clock })
  const quarantine = createQuarantine({ launch, lanes: () => size })

  /** However the isolate ended: each run it still held gets its one outcome, or another isolate of its own. */
  function settleHeld(end: End, killed: boolean): void {
    const { held, exiting, blocked } = end
    for (const run of blocked ? suspectsOf(held) : held) {
      if (run.fate) run.resolve(run.fate)
      else if (killed) run.resolve(INTERRUPTED)
      else if (exiting) run.resolve(exiting.run === run.number ? exited(exiting.code) : INTERRUPTED)
      else if (held.length === 1) run.resolve(crashed(end))
      else quarantine.add(run)
    }
  }

  /**
   * One of them holds the thread. Those with a limit are tried alone, the shortest first, and so is one without; the
   * others without might each keep the next one waiting for ever, so they are handed back at no cost.
   */
  function suspectsOf(held: readonly Run[]): readonly Run[] {
    const limited = held.filter(({ job }) => job.hardMs)
    const [first, ...others] = held.filter(({ job }) => !job.hardMs)
    for (const run of others) run.resolve(INTERRUPTED)
    return [...limited.sort((a, b) => (a.job.hardMs ?? 0) - (b.job.hardMs ?? 0)), ...(first ? [first] : [])]
  }

  /** A member of the team; whenever it stops taking runs another takes its place. */
  function launchMember(ofGeneration: number): Isolate {
    let leaving = false
    const leave = (isolate: Isolate) => {
      if (leaving) return
      leaving = true
      const wasMember = team.includes(isolate)
      team = team.filter((other) => other !== isolate)
      if (wasMember) replace(ofGeneration, isolate.given === 0 ? 1 : 0)
    }
    const isolate = launch({ retired: leave })
    isolate.gone.then(() => leave(isolate))
    return isolate
  }

  async function replace(ofGeneration: number, failures: number): Promise<void> {
    coming += 1
    await recruit(ofGeneration, failures)
    if (ofGeneration !== generation) return
    coming -= 1
    fit()
  }

  const enough = () => team.length + coming > size

  /** Tries until there is one; one that dies before it has done anything is tried again later and later. */
  async function recruit(ofGeneration: number, failures: number): Promise<void> {
    for (let failed = failures; ; failed++) {
      if (failed > 0)
        await clock.sleep(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failed - 1)), stopping.signal)
      if (stopping.signal.aborted || ofGeneration !== generation || enough()) return
      const isolate = launchMember(ofGeneration)
      let defined: Defined
      try {
        defined = await isolate.ready
      } catch (error) {
        isolate.kill()
        const reason = loadError(modules, error).message
        if (stopping.signal.aborted) return
        hooks.died({ pid: isolate.pid, reason, running: 0 })
        if (team.length === 0 && ofGeneration === generation) giveUp(reason)
        continue
      }
      if (ofGeneration !== generation || enough()) return isolate.retire()
      if (isolate.retired) continue
      tellChange(isolate.pid, defined.version)
      team.push(isolate)
      gate.open()
      return giveBacklog()
    }
  }

  /** Nothing can be run for now: what waits goes back at no cost, so that a worker that can may have it. */
  function giveUp(reason: string): void {
    gate.close(reason)
    for (const run of backlog) run.resolve(INTERRUPTED)
    backlog = []
  }

  function tellChange(pid: number, read: Version): void {
    const files = changedBetween(version, read).map(showPath)
    const news = JSON.stringify(files.length > 0 ? read : {})
    if (files.length > 0 && news !== toldOf) hooks.differs({ pid, files })
    toldOf = news
  }

  /** A whole new team, or the reason why not and nothing left of it. */
  async function assemble(): Promise<void> {
    const next = generation + 1
    const recruits = Array.from({ length: size }, () => launchMember(next))
    let found: Defined[]
    try {
      found = await Promise.all(recruits.map((isolate) => isolate.ready))
      await keyMaker.renew(found[0]?.specs.some(needsCode) ?? false)
    } catch (error) {
      for (const isolate of recruits) isolate.kill()
      await Promise.all(recruits.map((isolate) => isolate.gone))
      throw loadError(modules, error)
    }
    const old = team
    generation = next
    coming = 0
    specs = new Map(found[0]?.specs.map((spec) => [spec.name, spec]))
    schedules = found[0]?.schedules ?? []
    version = found[0]?.version ?? {}
    toldOf = ""
    const facts = found[0]?.middleware
    if (facts) (options.defined ?? aide?.launch)?.(facts)
    team = recruits.filter((isolate) => !isolate.retired)
    for (const isolate of recruits) if (isolate.retired) replace(next, 1)
    for (const isolate of old) isolate.retire()
    if (team.length > 0) gate.open()
    giveBacklog()
    fit()
  }

  /** Brings the team to its size: the least busy leave, and finish what they run. */
  function fit(): void {
    if (stopping.signal.aborted) return
    for (let missing = size - team.length - coming; missing > 0; missing--) void replace(generation, 0)
    if (team.length <= size) return
    const byLoad = [...team].sort((a, b) => b.load - a.load)
    team = byLoad.slice(0, size)
    for (const isolate of byLoad.slice(size)) isolate.retire()
  }

  function dispatch(run: Run): void {
    const isolate = choose(team)
    if (isolate) isolate.give(run)
    else if (gate.closed) run.resolve(INTERRUPTED)
    else backlog.push(run)
  }

  function giveBacklog(): void {
    const waiting = backlog
    backlog = []
    for (const run of waiting) dispatch(run)
  }

  return {
    async start(given) {
      hooks = given
      aide = options.defined ? undefined : createAide({ command, modules, clock, hooks })
      await assemble()
    },

    specs: () => specs,

    schedules: () => schedules,
    version: () => digestOf(version),

    able: gate.opened,

    extensions: () => aide,

    run: (job: Job) =>
      new Promise<Outcome>((resolve) => {
        if (stopping.signal.aborted) return resolve(INTERRUPTED)
        numbers += 1
        dispatch({ number: numbers, job, resolve })
      }),

    abort(id, token, reason: AbortReason) {
      for (const isolate of all) {
        const run = isolate.find(id, token)
        if (run) return isolate.abort(run, reason)
      }
      endUnstarted(id, token, unstarted(reason))
    },

    terminate(id, token) {
      for (const isolate of all) {
        const run = isolate.find(id, token)
        if (run) return isolate.killFor(run, CANCELLED)
      }
      endUnstarted(id, token, CANCELLED)
    },

    limitKeys: keyMaker.make,

    reload: assemble,

    resize(count) {
      size = Math.max(1, count)
      fit()
    },

    async stop() {
      stopping.abort()
      for (const run of backlog) run.resolve(INTERRUPTED)
      backlog = []
      quarantine.stop()
      const living = [...all]
      for (const isolate of living) isolate.kill()
      await Promise.all(living.map((isolate) => isolate.gone))
    },
  }

  function endUnstarted(id: string, token: number, outcome: Outcome): void {
    const isIt = ({ job }: Run) => job.delivery.envelope.id === id && job.delivery.lease.token === token
    backlog.find(isIt)?.resolve(outcome)
    backlog = backlog.filter((run) => !isIt(run))
    quarantine.take(isIt)?.resolve(outcome)
  }
}
