import { describe, expect, test } from "bun:test"
import { isEnded } from "../../src/core/task/status.ts"
import { seededRandom } from "../support/random.ts"
import { type Cluster, cluster, LEASE } from "./cluster.ts"
import { SPEC } from "./handlers.ts"

const SEEDS = Number(process.env.STEM_SIM_SEEDS ?? 300)
const FIRST = Number(process.env.STEM_SIM_SEED ?? 1)
const TASKS = 25

/** A cluster of three, random tasks, a random fault every few seconds, then peace until all is done. */
async function storm(seed: number): Promise<Cluster> {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const world = await cluster(seed)
  for (let n = 0; n < 3; n++) await world.boot({ concurrency: 1 + pick(4) })
  for (let n = 0; n < TASKS; n++) {
    const script = {
      ms: pick(4) === 0 ? pick(60_000) : pick(2000),
      fails: pick(5) === 0 ? pick(8) : 0,
      crashes: pick(8) === 0 ? pick(8) : 0,
      deaf: pick(6) === 0,
    }
    const dueAt = world.clock.now() + (pick(3) === 0 ? pick(30_000) : 0)
    await world.enqueue(`task-${n}`, script, { dueAt, priority: pick(10) })
  }
  for (let n = 0; n < 12; n++) {
    await world.clock.advance(pick(6000))
    const node = world.nodes[pick(world.nodes.length)]
    if (!node || node.machine.dead()) continue
    const fault = pick(7)
    if (fault === 0) {
      node.machine.kill()
      await world.boot()
    } else if (fault === 1) node.machine.pause()
    else if (fault === 2) node.machine.resume()
    else if (fault === 3) node.machine.cut("before")
    else if (fault === 4) node.machine.cut("after")
    else node.machine.cut("no")
    await world.clock.advance(0)
    await watchRuns(world, `seed ${seed}`)
  }
  for (const { machine } of world.nodes) {
    machine.cut("no")
    machine.resume()
  }
  for (let n = 0; n < 500 && !(await allEnded(world)); n++) await world.clock.advance(5000)
  return world
}

const ids = Array.from({ length: TASKS }, (_, n) => `task-${n}`)
const statuses = (world: Cluster) => world.store.results.get(ids)
const allEnded = async (world: Cluster) =>
  (await statuses(world)).every((status) => status && isEnded(status.state))

/** Of one task's runs that go on, all but the newest have been told to stop, or stand on a machine that does not move. */
async function watchRuns({ diary, nodes }: Cluster, told: string): Promise<void> {
  for (const run of diary) {
    const newer = diary.find((other) => other.id === run.id && other.token > run.token && !other.endedAt)
    if (!newer || run.endedAt || run.aborted) continue
    const { machine } = nodes[run.machine] as Cluster["nodes"][number]
    expect({ told, run, newer, still: machine.dead() || machine.standing() }).toMatchObject({ still: true })
  }
}

describe("a cluster under faults", () => {
  test(`loses nothing and lets no ghost win, over ${SEEDS} seeds from ${FIRST}`, async () => {
    let runs = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const world = await storm(seed)
      const known = await statuses(world)
      const told = `seed ${seed}`
      known.forEach((status, at) => {
        expect({ told, id: ids[at], ended: status && isEnded(status.state) }).toEqual({
          told,
          id: ids[at],
          ended: true,
        })
        if (status?.state === "succeeded")
          expect({ told, token: (status.result as { token: number }).token }).toEqual({
            told,
            token: status.token,
          })
        expect(status?.attempt).toBeLessThanOrEqual(SPEC.retry.max + 2)
      })
      const last = new Map<string, number>()
      for (const run of world.diary) {
        expect(run.token).toBeGreaterThan(last.get(run.id) ?? 0)
        last.set(run.id, run.token)
      }
      const dead = await world.store.inspector.deadLetters.count({})
      expect(dead).toBe(known.filter((status) => status?.state === "failed").length)
      expect(await world.store.inspector.list({ limit: 100 })).toEqual([])
      runs += world.diary.length
      for (const { machine } of world.nodes) machine.kill()
    }
    console.log(`${SEEDS} seeds, ${SEEDS * TASKS} tasks, ${runs} runs`)
  }, 300_000)
})

describe("a cluster on a hand-moved clock", () => {
  test("a day of hourly tasks passes while a worker sleeps between them", async () => {
    const world = await cluster(7)
    await world.boot()
    const start = world.clock.now()
    for (let hour = 1; hour <= 24; hour++)
      await world.enqueue(`hour-${hour}`, { ms: 10 }, { dueAt: start + hour * 3_600_000 })
    await world.clock.advance(25 * 3_600_000)
    expect(world.diary).toHaveLength(24)
    for (const run of world.diary) {
      const due = start + Number(run.id.slice(5)) * 3_600_000
      expect(run.startedAt - due).toBeLessThanOrEqual(1)
    }
  })

  test("a lost worker's task is taken up as soon as its lease has run out, at the cost of an attempt", async () => {
    const world = await cluster(1)
    const first = await world.boot()
    await world.enqueue("t", { ms: 3000 })
    await world.clock.advance(100)
    first.machine.kill()
    await world.boot()
    await world.clock.advance(LEASE + 100)
    expect(world.diary.map(({ machine, token, attempt }) => ({ machine, token, attempt }))).toEqual([
      { machine: 0, token: 1, attempt: 1 },
      { machine: 1, token: 2, attempt: 2 },
    ])
    await world.clock.advance(3000)
    expect(await world.store.results.get(["t"])).toMatchObject([{ state: "succeeded", token: 2, attempt: 2 }])
  })

  test("a task that takes every worker with it ends among the dead letters", async () => {
    const world = await cluster(1)
    await world.enqueue("poison", { ms: 100 * LEASE })
    for (let n = 0; n <= SPEC.retry.max; n++) {
      const node = await world.boot()
      await world.clock.advance(LEASE + 2000)
      expect(world.diary).toHaveLength(n + 1)
      node.machine.kill()
    }
    await world.boot()
    await world.clock.advance(LEASE + 2000)
    expect(world.diary).toHaveLength(SPEC.retry.max + 1)
    expect(await world.store.inspector.deadLetters.get("poison")).toMatchObject({
      error: { code: "worker_lost" },
    })
  })

  test("a worker that stood still past its lease aborts its handler and its result counts for nothing", async () => {
    const world = await cluster(1)
    const ghost = await world.boot()
    await world.enqueue("t", { ms: 15_000, deaf: true })
    await world.clock.advance(100)
    ghost.machine.pause()
    await world.boot()
    await world.clock.advance(LEASE + 1000)
    ghost.machine.resume()
    await world.clock.advance(5000)
    expect(world.diary[0]?.aborted).toBe("lease_lost")
    expect(ghost.events.map(({ kind }) => kind)).toContain("lease_lost")
    await world.clock.advance(20_000)
    expect(await world.store.results.get(["t"])).toMatchObject([
      { state: "succeeded", token: 2, worker: "worker-1" },
    ])
  })

  test("a long task runs once under a short lease", async () => {
    const world = await cluster(1)
    await world.boot()
    await world.boot()
    await world.enqueue("long", { ms: 60 * LEASE })
    await world.clock.advance(61 * LEASE)
    expect(world.diary).toHaveLength(1)
    expect(await world.store.results.get(["long"])).toMatchObject([{ state: "succeeded", token: 1 }])
  })

  test("a running task hears of its cancellation within two seconds", async () => {
    const world = await cluster(1)
    await world.boot()
    await world.enqueue("t", { ms: 60_000 })
    await world.clock.advance(5000)
    expect(await world.store.broker.cancel(["t"], { terminate: false })).toMatchObject([{ kind: "asked" }])
    await world.clock.advance(2000)
    expect(await world.store.results.get(["t"])).toMatchObject([{ state: "cancelled" }])
  })

  test("finished work is kept while the store is away and settled when it is back", async () => {
    const world = await cluster(1)
    const node = await world.boot()
    await world.enqueue("t", { ms: 1000 })
    await world.clock.advance(500)
    node.machine.cut("before")
    await world.clock.advance(3000)
    node.machine.cut("no")
    await world.clock.advance(2000)
    expect(await world.store.results.get(["t"])).toMatchObject([{ state: "succeeded", token: 1 }])
    expect(node.events.filter(({ kind }) => kind === "store_lost" || kind === "store_back")).toHaveLength(2)
  })

  test("a draining worker takes nothing new, finishes in its grace, and hands back the rest at no cost", async () => {
    const world = await cluster(1)
    const node = await world.boot({ concurrency: 2 })
    await world.enqueue("short", { ms: 5000 })
    await world.enqueue("long", { ms: 90_000 })
    await world.clock.advance(1000)
    node.worker.drain()
    await world.enqueue("later", { ms: 10 })
    await world.clock.advance(40_000)
    expect(await node.worker.done).toEqual({ forced: true })
    expect(await world.store.results.get(["short"])).toMatchObject([{ state: "succeeded" }])
    const [long, later] = await world.store.inspector.find(["long", "later"])
    expect(long?.status).toMatchObject({ state: "queued", attempt: 0 })
    expect(later?.status).toMatchObject({ state: "queued" })
    expect(world.diary.map(({ id }) => id)).toEqual(["short", "long"])
  })

  test("a worker that drains leaves once retries are done, without waiting for what is scheduled", async () => {
    const world = await cluster(1)
    await world.enqueue("flaky", { ms: 10, fails: 2 })
    await world.enqueue("tomorrow", { ms: 10 }, { dueAt: world.clock.now() + 86_400_000 })
    const node = await world.boot({ drain: true })
    await world.clock.advance(30_000)
    expect(await node.worker.done).toEqual({ forced: false })
    expect(await world.store.results.get(["flaky"])).toMatchObject([{ state: "succeeded", attempt: 3 }])
  })
})
