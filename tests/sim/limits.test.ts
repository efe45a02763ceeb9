import { describe, expect, test } from "bun:test"
import type { LimitSpec } from "../../src/core/task/limit-spec.ts"
import { isEnded } from "../../src/core/task/status.ts"
import { seededRandom } from "../support/random.ts"
import { type Cluster, cluster, LEASE } from "./cluster.ts"

const SEEDS = Number(process.env.STEM_SIM_SEEDS ?? 150)
const FIRST = Number(process.env.STEM_SIM_SEED ?? 1)
const TASKS = 40

const RATE = { everyMs: 500, burst: 2 }
const MOST = 3
const MOST_OF_TENANT = 2
const LIMITS: readonly LimitSpec[] = [
  { most: MOST_OF_TENANT, by: { path: "tenant" } },
  { most: MOST },
  { bucket: RATE },
]

const tenantOf = ({ input }: { input: unknown }) => (input as { tenant: string }).tenant

/** Runs that go on and are known to: a machine that stands or is dead has lost its slots with its leases. */
const running = ({ diary, nodes }: Cluster) =>
  diary.filter((run) => {
    const machine = nodes[run.machine]?.machine
    return run.endedAt === undefined && !run.aborted && !machine?.dead() && !machine?.standing()
  })

function watch(world: Cluster, told: string): void {
  const now = running(world)
  expect({ told, running: now.length <= MOST, now }).toMatchObject({ running: true })
  for (const tenant of ["a", "b"])
    expect({
      told,
      tenant: now.filter((run) => tenantOf(run) === tenant).length <= MOST_OF_TENANT,
    }).toMatchObject({ tenant: true })
}

/** The most starts in any span, less what the rate allows in it. */
function excess(instants: readonly number[], { everyMs, burst }: typeof RATE): number {
  const sorted = [...instants].sort((a, b) => a - b)
  let most = Number.NEGATIVE_INFINITY
  sorted.forEach((from, at) => {
    for (let to = at; to < sorted.length; to++)
      most = Math.max(most, to - at + 1 - (((sorted[to] as number) - from) / everyMs + burst))
  })
  return most
}

const ids = Array.from({ length: TASKS }, (_, n) => `task-${n}`)
const statuses = (world: Cluster) => world.store.results.get(ids)
const allEnded = async (world: Cluster) =>
  (await statuses(world)).every((status) => status && isEnded(status.state))

async function storm(seed: number): Promise<Cluster> {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const world = await cluster(seed, { limits: LIMITS })
  for (let n = 0; n < 3; n++) await world.boot({ concurrency: 1 + pick(4) })
  for (const id of ids) {
    const script = {
      ...{ ms: pick(5) === 0 ? pick(20_000) : pick(1500), tenant: pick(2) === 0 ? "a" : "b" },
      fails: pick(8) === 0 ? 1 : 0,
    }
    await world.enqueue(id, script, { dueAt: world.clock.now() + (pick(3) === 0 ? pick(20_000) : 0) })
  }
  for (let n = 0; n < 30; n++) {
    await world.clock.advance(pick(2000))
    watch(world, `seed ${seed}`)
    const node = world.nodes[pick(world.nodes.length)]
    if (!node || node.machine.dead()) continue
    const fault = pick(12)
    if (fault === 0) {
      node.machine.kill()
      await world.boot()
    } else if (fault === 1) node.machine.pause()
    else if (fault === 2) node.machine.resume()
    else if (fault === 3) node.machine.cut("before")
    else if (fault === 4) node.machine.cut("after")
    else node.machine.cut("no")
    await world.clock.advance(0)
    watch(world, `seed ${seed}`)
  }
  for (const { machine } of world.nodes) {
    machine.cut("no")
    machine.resume()
  }
  for (let n = 0; n < 400 && !(await allEnded(world)); n++) {
    await world.clock.advance(1000)
    watch(world, `seed ${seed}`)
  }
  return world
}

describe("limits in a cluster under faults", () => {
  test(`are never exceeded, and nobody waits for ever, over ${SEEDS} seeds from ${FIRST}`, async () => {
    let most = Number.NEGATIVE_INFINITY
    let runs = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const world = await storm(seed)
      const ended = (await statuses(world)).filter((status) => status && isEnded(status.state)).length
      expect({ seed, ended }).toEqual({ seed, ended: TASKS })
      const over = excess(
        world.diary.map(({ startedAt }) => startedAt),
        RATE,
      )
      expect({ seed, over: over < 1.5, by: over }).toMatchObject({ seed, over: true })
      most = Math.max(most, over)
      runs += world.diary.length
      for (const { machine } of world.nodes) machine.kill()
    }
    console.log(`${SEEDS} seeds, ${runs} runs, at most ${most.toFixed(2)} tokens too many in any span`)
  }, 300_000)
})

describe("limits on a hand-moved clock", () => {
  const script = { ms: 100 }

  test("a limited task waits in the store and pays no attempt", async () => {
    const world = await cluster(1, { limits: [{ bucket: { everyMs: 1000, burst: 1 } }] })
    await world.boot()
    for (let n = 0; n < 10; n++) await world.enqueue(`t${n}`, script)
    await world.clock.advance(500)
    expect(world.diary).toHaveLength(1)
    expect((await world.store.inspector.queues())[0]).toMatchObject({ scheduled: 9, running: 0 })
    await world.clock.advance(10_000)
    expect(world.diary).toHaveLength(10)
    expect(world.diary.map(({ attempt }) => attempt)).toEqual(Array(10).fill(1))
    const waits = world.diary.slice(1).map((run, at) => run.startedAt - (world.diary[at]?.startedAt ?? 0))
    // The first token that comes late counts as on time.
    expect(waits.every((ms) => ms >= 950 && ms <= 1000)).toBeTrue()
  })

  test("a freed slot starts the next task at once, on whichever worker", async () => {
    const world = await cluster(1, { limits: [{ most: 1 }] })
    await world.boot()
    await world.boot()
    for (let n = 0; n < 20; n++) await world.enqueue(`t${n}`, script)
    await world.clock.advance(2100)
    expect(world.diary.filter(({ endedAt }) => endedAt !== undefined)).toHaveLength(20)
  })

  test("the slots of a lost worker are free when their lease has run out", async () => {
    const world = await cluster(1, { limits: [{ most: 2 }] })
    const lost = await world.boot()
    for (let n = 0; n < 6; n++) await world.enqueue(`t${n}`, { ms: 3000 })
    await world.clock.advance(1000)
    lost.machine.kill()
    await world.boot()
    await world.clock.advance(LEASE - 2000)
    expect(world.diary).toHaveLength(2)
    await world.clock.advance(25_000)
    const done = await world.store.results.get(["t0", "t1", "t2", "t3", "t4", "t5"])
    expect(done.map((status) => status?.state)).toEqual(Array(6).fill("succeeded"))
  })

  test("a queue's limits hold for all its tasks, and for no other queue", async () => {
    const world = await cluster(1, {}, new Map([["slow", { most: 1 }]]))
    await world.boot()
    for (let n = 0; n < 3; n++) await world.enqueue(`s${n}`, { ms: 1000 }, { queue: "slow" })
    for (let n = 0; n < 3; n++) await world.enqueue(`d${n}`, { ms: 1000 })
    const node = await world.boot({ queues: ["default", "slow"] })
    await world.clock.advance(500)
    expect(
      world.diary
        .map(({ id }) => id[0])
        .sort()
        .join(""),
    ).toBe("ddds")
    expect(node.events.filter(({ kind }) => kind === "limited").length).toBeLessThanOrEqual(1)
  })

  test("a key of its own is a limit of its own", async () => {
    const world = await cluster(1, { limits: [{ most: 1, by: { path: "tenant" } }] })
    await world.boot({ concurrency: 8 })
    for (const tenant of ["a", "a", "a", "b", "c"])
      await world.enqueue(`${tenant}-${Math.random()}`, { ms: 1000, tenant } as never)
    await world.clock.advance(100)
    expect(world.diary.map(tenantOf).sort()).toEqual(["a", "b", "c"])
  })

  test("many limited tasks in front do not keep an unlimited one waiting", async () => {
    const world = await cluster(1, { limits: [{ bucket: { everyMs: 60_000, burst: 1 } }] })
    for (let n = 0; n < 3000; n++) await world.enqueue(`t${n}`, script)
    await world.enqueue("free", script, { task: "plain" })
    const node = await world.boot({ concurrency: 2 })
    await world.clock.advance(2000)
    // No task of that name is known here: that it is found out is enough.
    expect(node.events.some((event) => event.kind === "retrying" && event.id === "free")).toBeTrue()
  })

  test("who comes after a purge does not wait for those who are gone", async () => {
    const world = await cluster(1, { limits: [{ most: 1 }] })
    await world.boot()
    await world.boot()
    for (let n = 0; n < 300; n++) await world.enqueue(`t${n}`, { ms: 3000 })
    await world.clock.advance(1000)
    await world.store.inspector.purge("default", 1000)
    await world.enqueue("next", { ms: 100 })
    await world.clock.advance(2500)
    expect(await world.store.results.get(["t0", "next"])).toMatchObject([
      { state: "succeeded" },
      { state: "succeeded" },
    ])
  })

  test("a worker that is to leave waits for those that a limit keeps", async () => {
    const world = await cluster(1, { limits: [{ bucket: { everyMs: 2000, burst: 1 } }] })
    for (let n = 0; n < 4; n++) await world.enqueue(`t${n}`, script)
    await world.enqueue("tomorrow", script, { dueAt: world.clock.now() + 86_400_000 })
    const first = await world.boot({ drain: true })
    await world.clock.advance(500)
    first.worker.abort()
    // Whoever comes next waits for those that another has handed back.
    const node = await world.boot({ drain: true })
    await world.clock.advance(20_000)
    expect(await node.worker.done).toEqual({ forced: false })
    expect(world.diary).toHaveLength(4)
  })
})
