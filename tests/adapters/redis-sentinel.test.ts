import { expect, test } from "bun:test"
import { open } from "../../src/adapters/redis/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { eventually, redisServer } from "../support/redis-server.ts"
import { settlementsBy } from "../support/settlements.ts"

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)

test("Sentinels are asked for the master, and when it dies for the one of then, without being reopened", async () => {
  await using master = await redisServer()
  await using replica = await redisServer(["--replicaof", "127.0.0.1", `${master.port}`])
  const linked = async () =>
    expect(String(await replica.command("INFO", "replication"))).toContain("master_link_status:up")
  await eventually(linked)
  const conf = `${master.folder}/sentinel.conf`
  const watch = [`monitor main 127.0.0.1 ${master.port} 1`, "down-after-milliseconds main 500"]
  await Bun.write(conf, watch.map((line) => `sentinel ${line}\n`).join(""))
  await using sentinel = await redisServer([], { sentinel: conf })
  const knows = async () =>
    expect(await sentinel.command("SENTINEL", "REPLICAS", "main")).toMatchObject([expect.anything()])
  await eventually(knows, 20_000)
  const url = `redis+sentinel://127.0.0.1:${sentinel.port}/main`
  const driver = await open(url, { namespace: "n", clock: systemClock })
  try {
    const { broker } = driver
    await broker.enqueue(Array.from({ length: 50 }, (_, at) => task(`before-${at}`)))
    const ask = { queues: ["default"], max: 20, holder: "w", leaseMs: 60_000 }
    const { deliveries } = await broker.reserve(ask)
    await master.command("WAIT", "1", "2000")
    master.signal("SIGKILL")
    expect(await broker.enqueue([task("lost")]).catch(({ kind }) => kind)).toBe("unavailable")
    const promoted = async () => expect(String(await replica.command("ROLE"))).toStartWith("master")
    await eventually(promoted, 20_000)
    const began = performance.now()
    await eventually(() => broker.enqueue([task("after")]))
    expect(performance.now() - began).toBeLessThan(5000)
    expect(await broker.settle(deliveries.map((one) => say.success(one)))).toEqual(Array(20).fill("settled"))
    expect((await broker.reserve({ ...ask, max: 100 })).deliveries).toHaveLength(31)
  } finally {
    await driver.close()
  }
}, 60_000)
