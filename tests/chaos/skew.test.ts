import { describe, expect, spyOn, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { storeClock } from "../../src/core/kit/store-clock.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { clientOf, openSender, openStores } from "../../src/stem.ts"
import { POSTGRES_URL } from "../support/postgres-store.ts"
import { REDIS_URL } from "../support/redis-store.ts"
import { fact } from "./scene.ts"

const HOUR = 3_600_000

describe.each([
  ["redis", REDIS_URL],
  ["postgres", POSTGRES_URL],
] as const)("on %s", (_, broker) => {
  test.each([HOUR, -HOUR])(
    "a machine whose clock is an hour off takes no living lease, and delays as it should",
    async (skew) => {
      const config = { broker, namespace: `skew-${crypto.randomUUID()}` }
      const right = await openStores(config)
      const wrong = await openStores(config, storeClock({ ...systemClock, now: () => Date.now() + skew }))
      const ask = { queues: ["default"], max: 10, leaseMs: 30_000 }

      await clientOf(right).enqueue("t", null, { id: "held" })
      const { deliveries } = await right.broker.reserve({ ...ask, holder: "right" })
      expect(deliveries).toHaveLength(1)
      expect(await wrong.broker.reclaim({ ...ask, holder: "wrong" })).toEqual([])

      const before = Date.now()
      await clientOf(wrong).enqueue("t", null, { id: "delayed", delay: "300ms" })
      expect((await right.broker.reserve({ ...ask, holder: "right" })).deliveries).toEqual([])
      const { wakeAt = 0 } = await right.broker.reserve({ ...ask, holder: "right" })
      expect(Math.abs(wakeAt - before - 300)).toBeLessThan(200)
      await right.broker.wait(["default"], wakeAt, new AbortController().signal)
      expect((await right.broker.reserve({ ...ask, holder: "right" })).deliveries).toMatchObject([
        { envelope: { id: "delayed" } },
      ])
      await Promise.all([right.close(), wrong.close()])
    },
  )

  test("a machine that slept for an hour has the store's time again within seconds", async () => {
    let slept = 0
    const machine = { ...systemClock, monotonic: () => performance.now() - slept }
    const stores = await openStores({ broker, namespace: `skew-${crypto.randomUUID()}` }, storeClock(machine))
    const off = () => Math.abs(stores.clock.now() - Date.now())
    // Past the looks of the beginning: the next is the one that every process makes for as long as it lives.
    await Bun.sleep(300)
    expect(off()).toBeLessThan(20)
    slept = HOUR
    expect(off()).toBeGreaterThan(HOUR - 1000)
    await fact(() => off() < 20, 7000, "it has it again")
    await stores.close()
  })

  test("a sender with a spool goes by the store's clock too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "stem-skew-"))
    const config = { broker, namespace: `skew-${crypto.randomUUID()}` }
    const stores = await openStores(config)
    const { now } = Date
    const hourFast = spyOn(Date, "now").mockImplementation(() => now() + HOUR)
    try {
      const sender = await openSender({ ...config, spool: { on: true, path: join(folder, "spool.db") } })
      await sender.enqueue("t", null, { id: "now" })
      await sender.close()
    } finally {
      hourFast.mockRestore()
    }
    const ask = { queues: ["default"], max: 10, leaseMs: 30_000, holder: "w" }
    expect((await stores.broker.reserve(ask)).deliveries).toMatchObject([{ envelope: { id: "now" } }])
    await stores.close()
    rmSync(folder, { recursive: true })
  })
})
