import { afterEach, describe, expect, test } from "bun:test"
import type { TaskStatus } from "../../src/core/task/status.ts"
import { seededRandom } from "../support/random.ts"
import { judge } from "./judge.ts"
import { type Entry, fact, openScene, type Scene, STORES, type Worker } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

const TASKS = 600
const CONCURRENCY = 8
const FLAGS = ["--lease", "1s", "--concurrency", String(CONCURRENCY), "--isolates", "2"]
/** Of a worker: what runs, and as many again that have ended while the store has not yet answered. */
const HELD = 2 * CONCURRENCY
const random = seededRandom(Number(process.env.STEM_CHAOS_SEED ?? 11))
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

/** Judges, counts and tells; a strike may cost as many runs as what it strikes may hold. */
function settle(
  statuses: TaskStatus[],
  journal: Entry[],
  struck: ReadonlySet<number>,
  strikes: number,
  held: number,
  what: string,
) {
  const { duplicates, finished } = judge(statuses, journal, struck)
  console.log(
    `${what}: ${statuses.length} tasks, ${strikes} strikes, ${journal.length} runs, ` +
      `${duplicates} duplicates, ${finished} of them finished and not yet stored`,
  )
  expect(strikes).toBeGreaterThan(3)
  expect(duplicates - finished).toBeLessThanOrEqual(strikes * CONCURRENCY)
  expect(duplicates).toBeLessThanOrEqual(strikes * held)
}

describe.each([...STORES])("on %s", (store) => {
  test("600 tasks survive workers that are killed again and again", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("work", TASKS, { ms: 60 })
    const workers: Worker[] = [await scene.worker(...FLAGS), await scene.worker(...FLAGS)]
    const struck = new Set<number>()
    for (let n = 0; n < 10; n++) {
      const before = scene.journal().length
      await fact(
        () => scene.journal().length > before + 5 || scene.journal().length >= TASKS,
        20_000,
        "work goes on",
      )
      const at = n % workers.length
      const victim = workers[at] as Worker
      struck.add(victim.pid)
      victim.kill("SIGKILL")
      workers[at] = await scene.worker(...FLAGS)
    }
    settle(
      await scene.ended(ids, 60_000),
      scene.journal(),
      struck,
      struck.size,
      HELD,
      `${store}, worker SIGKILL`,
    )
  }, 180_000)

  test("600 tasks survive isolates that are killed again and again", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("work", TASKS, { ms: 60 })
    const worker = await scene.worker(...FLAGS)
    const struck = new Set<number>()
    for (let n = 0; n < 25; n++) {
      const before = scene.journal().length
      await fact(
        () => scene.journal().length > before + 5 || scene.journal().length >= TASKS,
        20_000,
        "work goes on",
      )
      const victim = pick(worker.isolates())
      if (victim === undefined) continue
      struck.add(victim)
      process.kill(victim, "SIGKILL")
    }
    const statuses = await scene.ended(ids, 60_000)
    settle(statuses, scene.journal(), struck, struck.size, CONCURRENCY, `${store}, isolate SIGKILL`)
  }, 180_000)

  test("a worker that is stopped past its lease and goes on does no harm: a ghost's result never wins", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("work", TASKS, { ms: 60 })
    const workers = [await scene.worker(...FLAGS), await scene.worker(...FLAGS)]
    const struck = new Set<number>()
    let strikes = 0
    for (let n = 0; n < 4; n++) {
      const victim = workers[n % 2] as Worker
      const before = scene.journal().length
      await fact(
        () => scene.journal().length > before + 5 || scene.journal().length >= TASKS,
        20_000,
        "work goes on",
      )
      victim.kill("SIGSTOP")
      struck.add(victim.pid)
      strikes++
      // Longer than the lease: what it held is taken up by the other one.
      await Bun.sleep(2000)
      victim.kill("SIGCONT")
    }
    settle(
      await scene.ended(ids, 60_000),
      scene.journal(),
      struck,
      strikes,
      HELD,
      `${store}, worker SIGSTOP, SIGCONT`,
    )
    expect(workers.map((one) => one.process.exitCode)).toEqual([null, null])
  }, 180_000)
})
