import { describe, expect, test } from "bun:test"
import type { Broker } from "../../../src/core/contracts/broker.ts"
import { createStoreWatch } from "../../../src/core/observe/store-watch.ts"
import { fetcher } from "../../../src/core/worker/fetcher.ts"
import { createPulse } from "../../../src/core/worker/pulse.ts"
import { manualClock } from "../../support/manual-clock.ts"

/** What a fetch loop asks for, in order: each rest ends as told, after so long; then it is over. */
async function asked(rests: readonly { ms: number; expiryIn?: number }[]): Promise<string[]> {
  const clock = manualClock()
  const over = new AbortController()
  const said: string[] = []
  let next: (typeof rests)[number] | undefined = rests[0]
  const broker = {
    async reserve() {
      said.push("reserve")
      const { expiryIn } = next ?? {}
      return { deliveries: [], ...(expiryIn && { wakeAt: clock.now() + expiryIn }) }
    },
    async reclaim() {
      said.push("reclaim")
      return []
    },
  } as unknown as Broker
  const left = [...rests]
  await fetcher(
    {
      ...{ broker, clock, pulse: createPulse(clock), store: createStoreWatch(() => {}, clock), holder: "w" },
      ...{ leaseMs: 30_000, queues: () => ["default"], free: () => 1, take: () => 0, slot: async () => {} },
      async rest() {
        const rest = left.shift()
        next = left[0]
        if (!rest) return false
        said.push("rest")
        await clock.advance(rest.ms)
        return true
      },
    },
    over.signal,
  )
  return said
}

describe("a fetch loop", () => {
  test("looks for what the dead have left when it begins", async () => {
    expect(await asked([])).toEqual(["reclaim", "reserve"])
  })

  test("takes what has rung for it at once, and looks for lost ones after that", async () => {
    expect(await asked([{ ms: 3000 }])).toEqual([
      ...["reclaim", "reserve", "rest"],
      ...["reserve", "reclaim"],
    ])
  })

  test("looks for lost ones once in a second, not at each ring", async () => {
    expect(await asked([{ ms: 300 }, { ms: 300 }])).toEqual([
      ...["reclaim", "reserve", "rest"],
      ...["reserve", "rest"],
      ...["reserve"],
    ])
  })

  test("takes lost ones first when it woke because a lease ran out", async () => {
    expect(await asked([{ ms: 200, expiryIn: 200 }])).toEqual([
      ...["reclaim", "reserve", "rest"],
      ...["reclaim", "reserve"],
    ])
  })
})
