import { expect, test } from "bun:test"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { startProxy } from "../support/proxy.ts"
import { eventually, redisServer } from "../support/redis-server.ts"
import { settlementsBy } from "../support/settlements.ts"

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
const ask = { queues: ["default"], max: 100, holder: "w", leaseMs: 60_000 }
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => ({ kind: "nothing", code: "nothing", message: "", hint: "" }),
    (error) => error as { kind: string; code: string; message: string; hint: string },
  )

test("a server that forgets its scripts is told them again", async () => {
  await using server = await redisServer()
  const { broker } = await server.open()
  await broker.enqueue([task("a")])
  await server.command("SCRIPT", "FLUSH")
  const calls = [broker.enqueue([task("b")]), broker.enqueue([task("c")]), broker.enqueue([task("d")])]
  expect((await Promise.all(calls)).flat().map(({ kind }) => kind)).toEqual(["stored", "stored", "stored"])
  const { deliveries } = await broker.reserve(ask)
  await server.command("SCRIPT", "FLUSH")
  expect(await broker.settle(deliveries.map((one) => say.success(one)))).toEqual(Array(4).fill("settled"))
})

test("a restarted server has lost nothing that was answered, and the driver works on", async () => {
  await using server = await redisServer()
  const driver = await server.open()
  const { broker, results } = driver
  await broker.enqueue(Array.from({ length: 50 }, (_, at) => task(`task-${at}`)))
  const { deliveries } = await broker.reserve({ ...ask, max: 20 })
  await broker.settle(deliveries.slice(0, 10).map((one) => say.success(one)))
  const woken = broker.wait(["other"], Number.POSITIVE_INFINITY, new AbortController().signal)
  woken.catch(() => {})
  await server.stop()
  expect(await refusal(broker.enqueue([task("late")]))).toMatchObject({
    kind: "unavailable",
    code: "store_away",
  })
  await server.start()
  await eventually(() => driver.ping())
  expect(await results.get(["task-0", "task-9"])).toMatchObject([
    { state: "succeeded" },
    { state: "succeeded" },
  ])
  expect(await broker.settle(deliveries.slice(10).map((one) => say.success(one)))).toEqual(
    Array(10).fill("settled"),
  )
  expect((await broker.reserve(ask)).deliveries).toHaveLength(30)
}, 30_000)

test("a stopped server costs no call more than its deadline, and work goes on when it does", async () => {
  await using server = await redisServer()
  const driver = await server.open()
  await driver.broker.enqueue([task("before")])
  server.signal("SIGSTOP")
  const start = performance.now()
  const answers = await Promise.all([
    refusal(driver.broker.enqueue([task("while")])),
    refusal(driver.broker.reserve(ask)),
    refusal(driver.ping()),
  ])
  expect(answers.map(({ code }) => code)).toEqual(["store_away", "store_away", "store_away"])
  expect(performance.now() - start).toBeLessThan(8000)
  server.signal("SIGCONT")
  await eventually(() => driver.ping(), 5000)
  expect((await driver.inspector.find(["before"]))[0]).toBeDefined()
}, 30_000)

test("a server that has become a replica is left, and used again when it is a master", async () => {
  await using server = await redisServer()
  await using master = await redisServer()
  const driver = await server.open()
  await driver.broker.enqueue([task("a")])
  await server.command("REPLICAOF", "127.0.0.1", String(master.port))
  expect(await refusal(driver.broker.enqueue([task("b")]))).toMatchObject({
    kind: "unavailable",
    code: "store_away",
  })
  await server.command("REPLICAOF", "NO", "ONE")
  const [answer] = await eventually(() => driver.broker.enqueue([task("c")]))
  expect(answer?.kind).toBe("stored")
}, 30_000)

test("a full server accepts nothing that it does not store, and its queues can be drained", async () => {
  await using server = await redisServer(["--maxmemory", "8mb"])
  const driver = await server.open()
  const accepted: string[] = []
  let refused: { code: string; kind: string; hint: string } | undefined
  for (let batch = 0; !refused; batch++) {
    const some = Array.from({ length: 50 }, (_, at) => task(`${batch}-${at}`, { input: "x".repeat(1000) }))
    const answer = await driver.broker.enqueue(some).catch((error) => {
      refused = error
      return []
    })
    accepted.push(...answer.map(({ id }) => id))
  }
  expect(refused).toMatchObject({
    kind: "unavailable",
    code: "store_full",
    hint: expect.stringContaining("maxmemory"),
  })
  const [queue] = await driver.inspector.queues()
  expect(queue?.ready).toBe(accepted.length)
  for (let drained = 0; drained < accepted.length; ) {
    const { deliveries } = await driver.broker.reserve(ask)
    expect(deliveries.length).toBeGreaterThan(0)
    expect(await driver.broker.settle(deliveries.map((one) => say.success(one)))).not.toContain("stale")
    drained += deliveries.length
  }
  expect((await driver.broker.enqueue([task("again")]))[0]?.kind).toBe("stored")
}, 60_000)

test("a wrong or missing password is told as that, and the password is not", async () => {
  await using server = await redisServer(["--requirepass", "right"], { password: "right" })
  for (const credentials of ["", ":wr0ng-secret@", "somebody:wr0ng-secret@"]) {
    const url = `redis://${credentials}127.0.0.1:${server.port}`
    const error = await refusal(server.open({ url }))
    expect(error).toMatchObject({ kind: "unavailable", code: "store_auth" })
    expect(error.hint).toContain("password")
    expect(Bun.inspect(error)).not.toContain("wr0ng-secret")
  }
  expect((await server.open()).url).toBe(`redis://127.0.0.1:${server.port}`)
})

test("a password can be changed under load: the next connection asks for the new one", async () => {
  await using server = await redisServer(["--requirepass", "first"], { password: "first" })
  let password = "first"
  const driver = await server.open({ freshUrl: async () => `redis://:${password}@127.0.0.1:${server.port}` })
  const stored = new Set<string>()
  let refused = 0
  let running = true
  const load = (async () => {
    for (let at = 0; running; at++)
      try {
        const answers = await driver.broker.enqueue([task(`task-${at}`)])
        for (const { id } of answers) stored.add(id)
      } catch {
        refused += 1
      }
  })()
  const reached = (count: number) =>
    eventually(async () => {
      if (stored.size < count) throw new Error(`${stored.size} stored of ${count}, ${refused} refused`)
    })
  await reached(50)
  await server.command("CONFIG", "SET", "requirepass", "second")
  password = "second"
  const admin = new Bun.RedisClient(`redis://:second@127.0.0.1:${server.port}`)
  await admin.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"])
  await reached(stored.size + 50)
  admin.close()
  running = false
  await load
  const [queue] = await driver.inspector.queues()
  expect(queue?.ready).toBeGreaterThanOrEqual(stored.size)
  expect((await driver.inspector.find([...stored])).every((one) => one !== undefined)).toBeTrue()
}, 30_000)

test("nobody there, an unknown host and a URL that can not be read are each told as what they are", async () => {
  const { open } = await import("../../src/adapters/redis/driver.ts")
  const of = (url: string) =>
    refusal(open(url, { namespace: "x", clock: systemClock, connectTimeoutMs: 2000 }))
  expect(await of("redis://127.0.0.1:1")).toMatchObject({
    code: "store_away",
    hint: expect.stringContaining("Nothing listens"),
  })
  expect(await of("redis://no-such-host.invalid:6379")).toMatchObject({
    kind: "unavailable",
    code: "store_away",
  })
  for (const url of [
    "redis://a:b:c",
    "redis://h:99999",
    "redis+sentinel://h:1",
    "redis://h/x",
    "redis+cluster://h/3",
    "redis://%zz:p@h",
  ])
    expect(await of(url)).toMatchObject({ kind: "invalid", code: "invalid_store_url" })
})

test("a connection that has gone mute is given up, and those who wait hear of work again", async () => {
  await using server = await redisServer()
  const proxy = await startProxy(server.port)
  try {
    const namespace = "mute"
    const worker = await server.open({ namespace, url: `redis://127.0.0.1:${proxy.port}` })
    const client = await server.open({ namespace })
    const wait = () => worker.broker.wait(["default"], Number.POSITIVE_INFINITY, new AbortController().signal)
    const first = wait()
    await client.broker.enqueue([task("a")])
    await first
    expect((await worker.broker.reserve(ask)).deliveries).toHaveLength(1)
    const deaf = refusal(wait())
    proxy.mute()
    expect(await deaf).toMatchObject({ kind: "unavailable", code: "store_away" })
    proxy.heal()
    const again = eventually(wait)
    await client.broker.enqueue([task("b")])
    await again
    expect((await worker.broker.reserve(ask)).deliveries).toHaveLength(1)
  } finally {
    proxy.close()
  }
}, 30_000)
