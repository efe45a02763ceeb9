import { afterEach, describe, expect, test } from "bun:test"
import { openStores } from "../../src/stem.ts"
import { stemCommand } from "../support/executable.ts"
import { watchDisk } from "./disk.ts"
import { fact, openScene, type Scene, STORES } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

describe.each([...STORES])("delivery on %s", (store) => {
  test("1,000 tasks at concurrency 4: never more than 4 run, and each runs once", async () => {
    scene = await openScene(store)
    const ids = await scene.enqueue("work", 1000, { ms: 2 })
    await scene.worker("--concurrency", "4", "--isolates", "2")
    let most = 0
    await fact(
      async () => {
        const [queue] = await scene.stores.inspector.queues()
        most = Math.max(most, queue?.running ?? 0)
        return (await scene.stores.results.get(ids)).every(Boolean)
      },
      40_000,
      "all end",
    )
    console.log(`${store}: at most ${most} leased at once`)
    // Four run, and four more may have finished without their settlement being stored yet.
    expect(most).toBeLessThanOrEqual(8)
    expect(scene.journal()).toHaveLength(1000)
  })

  test("a task that retries five times leaves no dead letter, one that fails for good leaves exactly one", async () => {
    scene = await openScene(store)
    const [survivor] = await scene.enqueue("flaky", 1, { fails: 5 })
    const [lost] = await scene.enqueue("flaky", 1, { fails: 99 })
    await scene.worker()
    const statuses = await scene.ended([survivor as string, lost as string], 20_000)
    expect(statuses).toMatchObject([
      { state: "succeeded", attempt: 6 },
      { state: "failed", attempt: 6, error: { message: "not yet" } },
    ])
    const dead = await scene.stores.inspector.deadLetters.list({ limit: 10 })
    expect(dead.map(({ id, attempts }) => ({ id, attempts }))).toEqual([{ id: lost as string, attempts: 6 }])
  })

  test("a replayed dead letter keeps its id, has all its attempts again, and remembers that it was dead", async () => {
    scene = await openScene(store)
    const [id] = await scene.enqueue("flaky", 1, { fails: 99 })
    await scene.worker()
    await scene.ended([id as string], 20_000)
    const { deadLetters } = scene.stores.inspector
    await deadLetters.replay([{ id: id as string, dueAt: Date.now(), edit: { input: { fails: 2 } } }])
    const status = await scene.client.wait(id as string, { timeout: "20s" })
    expect(status).toMatchObject({
      id,
      state: "succeeded",
      attempt: 3,
      token: 9,
      replays: [{ error: expect.stringContaining("not yet") }],
    })
    expect(await deadLetters.count({})).toBe(0)
  })

  test("a waiter in another process hears of the end, and one whose time is over gets the latest state", async () => {
    scene = await openScene(store)
    const [id] = await scene.enqueue("patient", 1, { ms: 1500 })
    await scene.worker()
    await fact(() => scene.journal().length === 1, 10_000, "it runs")
    expect(await scene.client.wait(id as string, { timeout: "100ms" })).toMatchObject({
      state: "running",
      attempt: 1,
    })
    const waiter = Bun.spawn({
      cmd: [...stemCommand(), "result", id as string, "--wait=10s", "-o", "json"],
      env: scene.env,
      stdio: ["ignore", "pipe", "inherit"],
    })
    expect(JSON.parse(await new Response(waiter.stdout).text())).toMatchObject({ id, state: "succeeded" })
    expect(await waiter.exited).toBe(0)
  })

  test("a delayed task starts within 250 ms of its time on an idle worker", async () => {
    scene = await openScene(store)
    await scene.worker("--concurrency", "2")
    await using disk = await watchDisk(scene.folder)
    const dues = [700, 1300, 2100].map((ms) => Date.now() + ms)
    const sent = await scene.client.enqueueMany(
      dues.map((at) => ({ task: "work", input: { ms: 1 }, options: { at: new Date(at) } })),
    )
    const statuses = await scene.ended(
      sent.map(({ id }) => id),
      10_000,
    )
    const late = statuses.map(({ startedAt = 0 }, at) => startedAt - (dues[at] as number))
    const stalls = late.map((ms, at) => disk.stalled(dues[at] as number, (dues[at] as number) + ms))
    const of = stalls.some((ms) => ms > 0)
      ? `, of which the disk stood still for ${stalls.join(", ")} ms`
      : ""
    console.log(`${store}: started ${late.join(", ")} ms after the due time${of}`)
    for (const [at, ms] of late.entries()) {
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms - (stalls[at] as number)).toBeLessThan(250)
    }
  })

  test("strict priority: what is urgent is taken first, whatever was there before", async () => {
    scene = await openScene(store)
    for (const priority of [0, 5, 9, 3, 9, 1])
      await scene.client.enqueue("work", { ms: 1 }, { id: `p${priority}-${crypto.randomUUID()}`, priority })
    await scene.worker("--concurrency", "1", "--isolates", "1")
    await fact(() => scene.journal().length === 6, 10_000, "all run")
    expect(scene.journal().map(({ id }) => Number(id[1]))).toEqual([9, 9, 5, 3, 1, 0])
  })

  test("a parent that is retried does not double its children", async () => {
    scene = await openScene(store)
    const [parent] = await scene.enqueue("children", 1)
    await scene.worker()
    await scene.ended([parent as string, `${parent}.1`, `${parent}.2`], 20_000)
    const runs = Map.groupBy(scene.journal(), ({ id }) => id)
    expect(runs.get(`${parent}.1`)).toHaveLength(1)
    expect(runs.get(`${parent}.2`)).toHaveLength(1)
    expect(runs.size).toBe(3)
    expect(await scene.client.result(`${parent}.1`)).toMatchObject({ parent })
  })

  test("two namespaces on one store never meet, whatever ids they use", async () => {
    scene = await openScene(store)
    const other = await openStores({
      broker: scene.env.STEM_BROKER_URL as string,
      namespace: `${scene.env.STEM_NAMESPACE}-b`,
    })
    await scene.client.enqueue("work", { ms: 1 }, { id: "same" })
    expect(await other.inspector.find(["same"])).toEqual([undefined])
    await scene.worker()
    await scene.ended(["same"], 10_000)
    expect(await other.results.get(["same"])).toEqual([undefined])
    await other.close()
  })
})
