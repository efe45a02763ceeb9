import { Database } from "bun:sqlite"
import { afterEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { fact, openScene, type Scene, STORES } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

describe.each([...STORES])("on %s", (store) => {
  test("a busy loop of 10 s under a lease of 2 s runs once", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("busy", 1, { ms: 10_000 })
    await scene.worker("--lease", "2s", "--concurrency", "2")
    await scene.worker("--lease", "2s", "--concurrency", "2")
    const [status] = await scene.ended(ids, 20_000)
    expect(status).toMatchObject({ state: "succeeded", attempt: 1, token: 1 })
    expect(scene.journal()).toHaveLength(1)
  }, 60_000)

  test.each([
    ["exit", "isolate_exited", 3],
    ["oom", "isolate_crashed", 3],
    ["slow", "hard_time_limit", 2],
  ])(
    "a task that always ends its isolate (%s) pays every attempt and is buried, its neighbours pay nothing",
    async (task, code, attempts) => {
      scene = await openScene(store)
      const neighbours = await scene.enqueue("work", 40, { ms: 150 })
      const [poison] = await scene.enqueue(task, 1)
      await scene.worker("--lease", "5s", "--concurrency", "6", "--isolates", "1")
      const statuses = await scene.ended([poison as string, ...neighbours], 40_000)
      expect(statuses[0]).toMatchObject({ state: "failed", attempt: attempts, error: { code } })
      for (const status of statuses.slice(1)) expect(status).toMatchObject({ state: "succeeded", attempt: 1 })
      expect(await scene.stores.inspector.deadLetters.list({ limit: 10 })).toMatchObject([
        { id: poison, attempts },
      ])
    },
    60_000,
  )

  test("a first TERM drains, unfinished tasks go back at no cost, and the worker leaves with 0", async () => {
    scene = await openScene(store)
    const short = await scene.enqueue("work", 2, { ms: 800 })
    const [long] = await scene.enqueue("patient", 1, { ms: 60_000 })
    const worker = await scene.worker("--concurrency", "3", "--grace", "2s")
    await fact(() => scene.journal().length === 3, 10_000, "all three run")
    const later = await scene.enqueue("work", 1)
    worker.kill("SIGTERM")
    expect(await worker.process.exited).toBe(0)
    for (const status of await scene.ended(short, 1000)) expect(status.state).toBe("succeeded")
    const live = await scene.stores.inspector.find([long as string, ...later])
    expect(live.map((task) => task?.status)).toMatchObject([
      { state: "queued", attempt: 0 },
      { state: "queued", attempt: 0 },
    ])
    expect(scene.journal().map(({ id }) => id)).not.toContain(later[0] as string)
  }, 60_000)

  test("a second signal aborts and hands back at once", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("patient", 3, { ms: 60_000 })
    const worker = await scene.worker("--concurrency", "3", "--grace", "60s")
    await fact(() => scene.journal().length === 3, 10_000, "all three run")
    worker.kill("SIGINT")
    await fact(() => worker.log().includes("draining"), 5000, "it says that it drains")
    const asked = Date.now()
    worker.kill("SIGINT")
    expect([0, 130]).toContain(await worker.process.exited)
    expect(Date.now() - asked).toBeLessThan(5000)
    const live = await scene.stores.inspector.find(ids)
    for (const task of live) expect(task?.status).toMatchObject({ state: "queued", attempt: 0 })
  }, 60_000)

  test("a running task hears of its cancellation, and a deaf one is killed on request", async () => {
    scene = await openScene(store)
    const [polite] = await scene.enqueue("patient", 1, { ms: 60_000 })
    const [deaf] = await scene.enqueue("busy", 1, { ms: 60_000 })
    await scene.worker("--concurrency", "4", "--isolates", "2")
    await fact(() => scene.journal().length === 2, 10_000, "both run")
    const asked = Date.now()
    await scene.client.cancel([polite as string])
    await scene.ended([polite as string], 3000)
    console.log(`${store}: cancelled after ${Date.now() - asked} ms`)
    await scene.client.cancel([deaf as string], { terminate: true })
    const statuses = await scene.ended([polite as string, deaf as string], 6000)
    expect(statuses.map(({ state }) => state)).toEqual(["cancelled", "cancelled"])
  }, 60_000)
})

test("a worker waits out a locked database and goes on without a restart", async () => {
  scene = await openScene()
  const worker = await scene.worker("--lease", "30s", "--concurrency", "4")
  await scene.ended(await scene.enqueue("work", 4), 10_000)
  const ids = await scene.enqueue("work", 100, { ms: 30 })
  const intruder = new Database(join(scene.folder, "stem.db"))
  intruder.run("PRAGMA busy_timeout = 5000")
  intruder.run("BEGIN EXCLUSIVE")
  await Bun.sleep(7000)
  intruder.run("ROLLBACK")
  intruder.close()
  const freed = Date.now()
  const statuses = await scene.ended(ids, 20_000)
  console.log(`locked for 7 s; all done ${Date.now() - freed} ms after`)
  for (const status of statuses) expect(status).toMatchObject({ state: "succeeded", attempt: 1 })
  expect(worker.process.exitCode).toBeNull()
}, 60_000)
