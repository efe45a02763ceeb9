import { afterAll, beforeAll, expect, test } from "bun:test"
import postgres from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"

let server: PostgresServer
let driver: Driver
beforeAll(async () => {
  server = await postgresServer({ settings: ["fsync = off"] })
  driver = await open(server.url, { namespace: "bell", clock: systemClock })
  await driver.broker.enqueue([task("first")])
}, 60_000)
afterAll(async () => {
  await driver.close()
  await server.remove()
}, 60_000)

const task = tasksBy(systemClock)
const LONG = 60_000

test("what is stored says where it waits and from when on, unless its queue is paused", async () => {
  const sql = postgres(server.url, { max: 1, onnotice() {} })
  const heard: string[] = []
  const arrivals: (() => void)[] = []
  await sql.listen("stem_1", (payload) => {
    heard.push(payload)
    arrivals.shift()?.()
  })
  await sql.unsafe("SELECT pg_advisory_lock_shared(1400136045, 2)")
  const told = async (store: () => Promise<unknown>) => {
    const arrived = new Promise<void>((resolve) => arrivals.push(resolve))
    await store()
    await arrived
    return heard.at(-1)
  }
  const later = task("later", { dueIn: LONG })
  const [{ queue } = {}] = await server.sql("SELECT queue FROM stem.queues WHERE name = 'default'")
  expect(await told(() => driver.broker.enqueue([later]))).toBe(`0 ${queue} ${later.dueAt}`)
  await driver.inspector.pause("default")
  expect(await told(() => driver.broker.enqueue([task("paused")]))).toBe("0")
  await driver.inspector.resume("default")
  await sql.end()
}, 30_000)

test("who waits believes what is announced of his queue, without asking", async () => {
  const { broker } = driver
  await broker.reserve({ queues: ["default"], max: 9, holder: "w", leaseMs: LONG })
  await broker.enqueue([task("elsewhere", { queue: "other" })])
  const [here, other] = await Promise.all(
    ["default", "other"].map(
      async (name) =>
        (await server.sql(`SELECT queue FROM stem.queues WHERE name = '${name}'`))[0]?.queue as number,
    ),
  )
  let woken = false
  const waiting = broker.wait(["default"], Date.now() + LONG, new AbortController().signal).then(() => {
    woken = true
  })
  const announce = (queue: number | undefined, due: number) =>
    server.sql(`SELECT pg_notify('stem_1', '0 ${queue} ${due}')`)
  for (const [queue, due] of [
    [other, 0],
    [here, Date.now() + LONG],
  ] as const) {
    await announce(queue, due)
    await driver.ping()
    expect(woken).toBeFalse()
  }
  await announce(here, 0)
  await waiting
}, 30_000)
