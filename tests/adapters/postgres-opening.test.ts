import { afterEach, expect, test } from "bun:test"
import { randomUUID } from "node:crypto"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { POSTGRES_URL } from "../support/postgres-store.ts"
import { startProxy } from "../support/proxy.ts"

const drivers: Driver[] = []
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})

async function enter(namespace: string, url = POSTGRES_URL): Promise<Driver> {
  const driver = await open(url, { namespace, clock: systemClock })
  drivers.push(driver)
  return driver
}

const task = tasksBy(systemClock)
const anyName = () => `opening-${randomUUID()}`

test("who only sends tasks makes one connection, and the desk gets its own when it is asked", async () => {
  const url = new URL(POSTGRES_URL)
  const proxy = await startProxy(Number(url.port))
  url.port = String(proxy.port)
  try {
    const driver = await enter(anyName(), url.href)
    await driver.ping()
    await driver.broker.enqueue([task("a")])
    expect(proxy.made).toBe(1)
    expect((await driver.inspector.queues()).map(({ queue }) => queue)).toEqual(["default"])
    await driver.ping()
    expect(proxy.made).toBe(2)
  } finally {
    proxy.close()
  }
})

test.each([`it's`, String.raw`back\slash' or '`, "half \ud800 and ümläut"])(
  "a namespace may be named %s",
  async (name) => {
    const namespace = `${anyName()} ${name}`
    await (await enter(namespace)).broker.enqueue([task("a")])
    expect(await (await enter(namespace)).inspector.queues()).toHaveLength(1)
    expect(await (await enter(`${namespace}'`)).inspector.queues()).toEqual([])
  },
)
