import { afterAll, expect, test } from "bun:test"
import { migrate, open } from "../../src/adapters/redis/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { examine } from "../conformance/driver.ts"
import { tasksBy } from "../support/envelopes.ts"
import { redisCluster } from "../support/redis-cluster.ts"
import { eventually, freePort, type RedisServer } from "../support/redis-server.ts"
import { openForExam } from "../support/redis-store.ts"
import { settlementsBy } from "../support/settlements.ts"

const cluster = await redisCluster()
afterAll(() => cluster[Symbol.asyncDispose]())

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
const ask = { queues: ["default"], max: 1000, holder: "w", leaseMs: 60_000 }
const tasks = (count: number, of: string) => Array.from({ length: count }, (_, at) => task(`${of}-${at}`))

examine({ name: "redis cluster", open: () => openForExam(cluster.url) })

/** A namespace that this node has. */
async function nameAt(node: RedisServer): Promise<string> {
  for (let at = 0; ; at++) if ((await cluster.holderOf(`stem:{at-${at}}:`)) === node) return `at-${at}`
}

test("namespaces are spread over the nodes", async () => {
  const holders = new Set<RedisServer>()
  for (let at = 0; at < 30; at++) holders.add(await cluster.holderOf(`stem:{jobs-${at}}:`))
  expect(holders.size).toBe(3)
})

test("a checkup and the clock are of the node that has the namespace, and migrate looks at all nodes", async () => {
  for (const [at, node] of cluster.nodes.entries()) {
    const namespace = await nameAt(node)
    const driver = await open(cluster.url, { namespace, clock: systemClock })
    try {
      const findings = async () => (await driver.checkup()).map(({ subject }) => subject)
      expect({ at, findings: await findings() }).toEqual({ at, findings: ["redis"] })
      await node.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
      for (let look = 0; look < 5; look++) expect(await findings()).toEqual(["eviction"])
      await node.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
      expect(Math.abs(((await driver.ping()) ?? 0) - Date.now())).toBeLessThan(1000)
      await node.command("SET", `stem:{${namespace}}:format`, "2")
      for (let look = 0; look < 5; look++)
        expect(await migrate(cluster.url).catch(({ code }) => code)).toBe("store_too_new")
      await node.command("SET", `stem:{${namespace}}:format`, "1")
    } finally {
      await driver.close()
    }
  }
}, 30_000)

test("a cluster of which no node answers is refused with the likely cause", async () => {
  const url = `redis+cluster://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`
  const refused = await open(url, { namespace: "n", clock: systemClock }).catch((error) => error)
  expect(refused).toMatchObject({
    kind: "unavailable",
    hint: expect.stringContaining("No node that the URL names answers"),
  })
})

test("while a namespace is on its way to another node nothing is done to a half of it, and then all goes on", async () => {
  const driver = await open(cluster.url, { namespace: "mover", clock: systemClock })
  try {
    const { broker } = driver
    await broker.enqueue(tasks(50, "before"))
    const held = await broker.reserve({ ...ask, max: 20 })
    const from = await cluster.holderOf("stem:{mover}:")
    const to = cluster.nodes.find((node) => node !== from) as RedisServer
    const done: string[] = []
    const calls: Promise<unknown>[] = []
    const tell = <T>(what: string, call: Promise<T>) => {
      calls.push(call.then(() => done.push(what)))
      return call
    }
    await cluster.move("stem:{mover}:", to, async () => {
      // Each is tried again until it is through, and none gets through to a half.
      tell("settled", broker.settle(held.deliveries.map((one) => say.success(one))))
      tell("stored", broker.enqueue(tasks(50, "meanwhile")))
      await Bun.sleep(500)
      expect(done).toEqual([])
    })
    await Promise.all(calls)
    expect(done.toSorted()).toEqual(["settled", "stored"])
    expect(await cluster.holderOf("stem:{mover}:")).toBe(to)
    const { deliveries } = await broker.reserve(ask)
    expect(deliveries).toHaveLength(80)
    expect(await broker.settle(deliveries.map((one) => say.success(one)))).toEqual(Array(80).fill("settled"))
    expect(await driver.inspector.queues()).toEqual([])
  } finally {
    await driver.close()
  }
}, 20_000)

test("a namespace that is on its way for long is named in the refusal", async () => {
  const driver = await open(cluster.url, { namespace: "slow", clock: systemClock })
  try {
    await driver.broker.enqueue(tasks(10, "before"))
    const from = await cluster.holderOf("stem:{slow}:")
    const to = cluster.nodes.find((node) => node !== from) as RedisServer
    let refused: unknown
    await cluster.move("stem:{slow}:", to, async () => {
      refused = await driver.broker.enqueue(tasks(1, "meanwhile")).catch((error) => error)
    })
    expect(refused).toMatchObject({ kind: "unavailable", code: "store_moving" })
    await eventually(() => driver.broker.enqueue(tasks(1, "after")))
    const { deliveries } = await driver.broker.reserve(ask)
    expect(deliveries).toHaveLength(11)
  } finally {
    await driver.close()
  }
}, 30_000)

test("when a master dies its replica goes on with what was copied, within seconds and without being reopened", async () => {
  await using spared = await redisCluster({ spare: true })
  const driver = await open(spared.url, { namespace: "n", clock: systemClock })
  try {
    const { broker } = driver
    await broker.enqueue(tasks(100, "before"))
    const held = await broker.reserve({ ...ask, max: 40 })
    const dead = await spared.holderOf("stem:{n}:")
    await dead.command("WAIT", "1", "2000")
    dead.signal("SIGKILL")
    expect(await broker.enqueue(tasks(1, "lost")).catch(({ kind }) => kind)).toBe("unavailable")
    await eventually(async () => expect(await spared.holderOf("stem:{n}:", dead)).not.toBe(dead))
    const took = performance.now()
    await eventually(() => broker.enqueue(tasks(1, "after")))
    expect(performance.now() - took).toBeLessThan(5000)
    expect(await broker.settle(held.deliveries.map((one) => say.success(one)))).toEqual(
      Array(40).fill("settled"),
    )
    expect((await broker.reserve(ask)).deliveries).toHaveLength(61)
  } finally {
    await driver.close()
  }
}, 60_000)
