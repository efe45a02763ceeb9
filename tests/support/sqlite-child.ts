/**
 * Another process on the same file: `bun sqlite-child.ts ROLE PATH`. It says what it does in lines of JSON, and
 * each line is written before it goes on.
 */
import { Database } from "bun:sqlite"
import { writeSync } from "node:fs"
import { open } from "../../src/adapters/sqlite/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { tasksBy } from "./envelopes.ts"
import { settlementsBy } from "./settlements.ts"

const [role = "", path = ""] = process.argv.slice(2)
const say = (fact: unknown) => void writeSync(1, `${JSON.stringify(fact)}\n`)
const task = tasksBy(clock)
const store = () => open(`sqlite:${path}`, { namespace: "test", clock })
const never = new AbortController().signal

const ROLES: Record<string, () => Promise<void>> = {
  /** Opens the file as everybody does, and one task says that it is there. */
  async open() {
    const driver = await store()
    await driver.broker.enqueue([task(`from-${process.pid}`)])
    await driver.close()
    say("stored")
  },

  /** Takes and finishes until nothing is left. */
  async drain() {
    const driver = await store()
    const { success } = settlementsBy(clock)
    const queues = ["default"]
    say("ready")
    for (;;) {
      const { deliveries } = await driver.broker.reserve({ queues, max: 7, holder: role, leaseMs: 60_000 })
      if (deliveries.length === 0) break
      say(deliveries.map(({ envelope }) => envelope.id))
      await driver.broker.settle(deliveries.map((delivery) => success(delivery)))
    }
    await driver.close()
  },

  /** Stores tasks one after the other until it is killed, and names each once it was told that it is stored. */
  async enqueue() {
    const driver = await store()
    for (let at = 0; ; at++) {
      const ids = Array.from({ length: 1 + (at % 5) }, (_, part) => `${process.pid}-${at}-${part}`)
      await driver.broker.enqueue(ids.map((id) => task(id)))
      say(ids)
    }
  },

  /** Sleeps until there is something, says when it held it, and sleeps again. */
  async wait() {
    const driver = await store()
    for (;;) {
      say("asleep")
      const { lease } = await takeNext(driver)
      say({ id: lease.id, at: performance.timeOrigin + performance.now(), cpu: process.cpuUsage() })
    }
  },

  /** Holds the lock until it is killed. */
  async lock() {
    const db = new Database(path)
    db.run("BEGIN IMMEDIATE")
    say("locked")
    await new Promise((resolve) => setTimeout(resolve, 2 ** 30))
    db.close()
  },
}

async function takeNext({ broker }: Driver) {
  for (;;) {
    const ask = { queues: ["default"], max: 1, holder: role, leaseMs: 60_000 }
    const [delivery] = (await broker.reserve(ask)).deliveries
    if (delivery) return delivery
    await broker.wait(["default"], clock.now() + 60_000, never)
  }
}

await ROLES[role]?.()
