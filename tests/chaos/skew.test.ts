import { describe, expect, test } from "bun:test"
import { systemClock } from "../../src/runtime/clock.ts"
import { clientOf, openStores } from "../../src/stem.ts"
import { POSTGRES_URL } from "../support/postgres-store.ts"
import { REDIS_URL } from "../support/redis-store.ts"

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
      const wrong = await openStores(config, { ...systemClock, now: () => Date.now() + skew })
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
})
