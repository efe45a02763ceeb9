import { afterEach, expect, test } from "bun:test"
import { POSTGRES_URL } from "../support/postgres-store.ts"
import { REDIS_URL } from "../support/redis-store.ts"
import { judge } from "./judge.ts"
import { fact, openScene, type Scene, type Worker } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

const FLAGS = ["--lease", "1s", "--concurrency", "8", "--isolates", "2"]

test.each([
  ["redis with results in postgres", REDIS_URL, POSTGRES_URL],
  ["postgres with results in redis", POSTGRES_URL, REDIS_URL],
])(
  "workers that are killed between two stores lose nothing and double no result: %s",
  async (what, tasks, results) => {
    scene = await openScene({ url: tasks, workers: tasks, results })
    // They take no time: wherever a worker is struck, some of its results are on their way from one store to the other.
    const ids = await scene.enqueue("work", 1200, { ms: 0 })
    const struck = new Set<number>()
    let worker: Worker = await scene.worker(...FLAGS)
    for (let n = 0; n < 6; n++) {
      const before = scene.journal().length
      const more = () => scene.journal().length > before + 40 || scene.journal().length >= ids.length
      await fact(more, 20_000, "work goes on")
      struck.add(worker.pid)
      worker.kill("SIGKILL")
      worker = await scene.worker(...FLAGS)
    }
    const statuses = await scene.ended(ids, 60_000)
    const { duplicates } = judge(statuses, scene.journal(), struck)
    const ended = await scene.stores.inspector.ended()
    console.log(
      `${what}: ${ids.length} tasks, ${struck.size} kills, ${scene.journal().length} runs, ${duplicates} duplicates`,
    )
    expect(ended).toMatchObject({ succeeded: ids.length, failed: 0 })
    expect(duplicates).toBeLessThanOrEqual(struck.size * 3 * 8)
  },
  120_000,
)
