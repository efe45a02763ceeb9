import { afterEach, describe, expect, test } from "bun:test"
import { judge } from "./judge.ts"
import { fact, openScene, type Scene, STORES, type Worker } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

const CONCURRENCY = 8
const LEASE_MS = 800
const FLAGS = ["--lease", `${LEASE_MS}ms`, "--concurrency", String(CONCURRENCY), "--isolates", "2"]
/** Beyond one lease: what a busy machine needs to start a run, and a second between two looks at lost leases. */
const SLACK_MS = 4000

interface Struck {
  readonly pids: readonly number[]
  /** What undoes it, once its leases have run out. */
  undo?(): void
  /** Nobody else is left to take up the work. */
  readonly alone?: boolean
}
type Fault = (victim: Worker) => Struck

const FAULTS: Record<string, Fault> = {
  "worker SIGKILL": (victim) => {
    victim.kill("SIGKILL")
    return { pids: [victim.pid], alone: true }
  },
  "worker SIGSTOP past its lease, then SIGCONT": (victim) => {
    victim.kill("SIGSTOP")
    return { pids: [victim.pid], alone: true, undo: () => victim.kill("SIGCONT") }
  },
  "isolates SIGKILL": (victim) => {
    const pids = victim.isolates()
    for (const pid of pids) process.kill(pid, "SIGKILL")
    return { pids }
  },
}

/** What a worker is doing when it is struck: tasks for it, and how to see that it is so. */
const PHASES: Record<string, { tasks: number; ms: number; reached(): boolean; duplicates: number }> = {
  idle: { tasks: 0, ms: 0, reached: () => true, duplicates: 0 },
  running: {
    ...{ tasks: 40, ms: 400, duplicates: CONCURRENCY },
    reached: () => scene.journal().filter(({ ended }) => !ended).length > 2,
  },
  // Tasks that take no time: what a worker does with them is to settle them. Two lists may be on their way.
  settling: {
    ...{ tasks: 400, ms: 0, duplicates: 3 * CONCURRENCY },
    reached: () => scene.journal().length > 60,
  },
  // They run for longer than their lease, so it has been renewed by the time of the strike.
  renewing: {
    ...{ tasks: 4, ms: 3 * LEASE_MS, duplicates: 4 },
    reached: () => scene.journal().length === 4,
  },
}

describe.each([...STORES])("on %s", (store) => {
  test.each(
    Object.keys(FAULTS).flatMap((fault) => Object.keys(PHASES).map((phase) => [fault, phase] as const)),
  )(
    "%s while %s",
    async (fault, phase) => {
      const { tasks, ms, reached, duplicates: allowed } = PHASES[phase] as (typeof PHASES)[string]
      scene = await openScene(store)
      const victim = await scene.worker(...FLAGS)
      const ids = await scene.enqueue("work", tasks, { ms })
      await fact(reached, 20_000, `the worker is ${phase}`)
      // Once over: the leases it holds now are renewed ones.
      if (phase === "renewing") await Bun.sleep(1.5 * LEASE_MS)

      const before = scene.journal().length
      const struck = (FAULTS[fault] as Fault)(victim)
      const struckAt = Date.now()
      // A worker that stands still in the middle of a write keeps its sqlite file locked: it is not waited for.
      const undone = Bun.sleep(1.5 * LEASE_MS).then(() => struck.undo?.())
      if (struck.alone) await scene.worker(...FLAGS)
      const later = await scene.enqueue("work", 8, { ms: 1 })
      await fact(() => scene.journal().length > before, 20_000, "work resumes")
      const resumed = Date.now() - struckAt
      if (struck.undo) await undone
      const statuses = await scene.ended([...ids, ...later], 60_000)
      const { duplicates } = judge(statuses, scene.journal(), new Set(struck.pids))
      console.log(
        `${store}, ${fault} while ${phase}: ${statuses.length} tasks, ${struck.pids.length} struck, ` +
          `${scene.journal().length} runs, ${duplicates} duplicates, work resumed after ${resumed} ms`,
      )
      expect(duplicates).toBeLessThanOrEqual(allowed)
      expect(resumed).toBeLessThan(LEASE_MS + SLACK_MS)
    },
    90_000,
  )
})
