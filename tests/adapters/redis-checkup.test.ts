import { expect, test } from "bun:test"
import { migrate, open } from "../../src/adapters/redis/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { startProxy } from "../support/proxy.ts"
import { eventually, redisServer } from "../support/redis-server.ts"

const subjects = (findings: readonly { subject: string; level: string; fix?: string | undefined }[]) =>
  findings.map(({ subject, level, fix }) => `${level} ${subject}${fix === undefined ? "" : " with a fix"}`)

test("a durable server that evicts nothing is in order", async () => {
  await using server = await redisServer()
  expect(subjects(await (await server.open()).checkup())).toEqual(["ok redis"])
})

test("a checkup finds eviction, missing persistence and memory that is nearly full", async () => {
  await using server = await redisServer()
  const driver = await server.open()
  await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
  await server.command("CONFIG", "SET", "appendonly", "no")
  await server.command("CONFIG", "SET", "maxmemory", "1mb")
  expect(subjects(await driver.checkup())).toEqual([
    "problem eviction with a fix",
    "problem memory with a fix",
    "problem persistence with a fix",
  ])
  await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
  await server.command("CONFIG", "SET", "maxmemory", "0")
  await server.command("CONFIG", "SET", "save", "60 1")
  expect(subjects(await driver.checkup())).toEqual(["warning persistence with a fix"])
})

test("a checkup finds leases that nobody takes back, and a clock that is off", async () => {
  await using server = await redisServer()
  const early = { ...systemClock, now: () => Date.now() - 3_600_000 }
  const driver = await server.open({ namespace: "n", clock: early })
  await driver.broker.enqueue([tasksBy(early)("a")])
  await driver.broker.reserve({ queues: ["default"], max: 1, holder: "w", leaseMs: 1000 })
  expect(subjects(await driver.checkup())).toEqual(["warning clock with a fix"])
  const here = await server.open({ namespace: "n" })
  expect(subjects(await here.checkup())).toEqual(["warning leases with a fix"])
})

test("tasks that a newer Stem has written are refused, by open and by migrate", async () => {
  await using server = await redisServer()
  await server.command("SET", "stem:{future}:format", "2")
  // One after the other: a refusal that nobody waits for yet would fail the test.
  for (const attempt of [() => server.open({ namespace: "future" }), () => migrate(server.url)])
    expect(await attempt().catch((error) => error)).toMatchObject({ kind: "invalid", code: "store_too_new" })
  await server.open({ namespace: "present" })
})

test("a cluster serves a namespace from one of its nodes", async () => {
  await using server = await redisServer(["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"])
  await server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
  const url = `redis+cluster://127.0.0.1:${server.port}`
  await eventually(async () => expect(String(await server.command("CLUSTER", "INFO"))).toContain("state:ok"))
  const driver = await open(url, { namespace: "n", clock: systemClock })
  try {
    const woken = driver.broker.wait(["default"], Number.POSITIVE_INFINITY, new AbortController().signal)
    const { kind } = (await driver.broker.enqueue([tasksBy(systemClock)("a")]))[0] ?? {}
    expect(kind).toBe("stored")
    await woken
    const { deliveries } = await driver.broker.reserve({
      queues: ["default"],
      max: 1,
      holder: "w",
      leaseMs: 1000,
    })
    expect(deliveries).toHaveLength(1)
    expect(driver.url).toBe(url)
  } finally {
    await driver.close()
  }
}, 20_000)

test("a server older than 7 is refused by its version", async () => {
  await using server = await redisServer()
  const proxy = await startProxy(server.port, { fromServer: ["redis_version:7", "redis_version:6"] })
  try {
    const refused = await server.open({ url: `redis://127.0.0.1:${proxy.port}` }).catch((error) => error)
    expect(refused).toMatchObject({ code: "store_too_old", message: expect.stringContaining("7 or newer") })
  } finally {
    proxy.close()
  }
})

test("consumers that hold reservations though their worker is gone are found", async () => {
  await using server = await redisServer()
  const driver = await server.open({ namespace: "n" })
  await driver.broker.enqueue([tasksBy(systemClock)("a")])
  await driver.broker.reserve({ queues: ["default"], max: 1, holder: "gone", leaseMs: 60_000 })
  expect(subjects(await driver.checkup())).toEqual(["ok redis"])
  // As if it had been idle for hours: the server's number gets more digits on its way.
  const proxy = await startProxy(server.port, { fromServer: ["idle\r\n:", "idle\r\n:9999999"] })
  try {
    const late = await server.open({ namespace: "n", url: `redis://127.0.0.1:${proxy.port}` })
    expect(subjects(await late.checkup())).toEqual(["warning consumers with a fix"])
  } finally {
    proxy.close()
  }
})
