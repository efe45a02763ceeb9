import { expect, test } from "bun:test"
import type { Broker } from "../../../src/core/contracts/broker.ts"
import { createStoreWatch } from "../../../src/core/observe/store-watch.ts"
import { fetcher } from "../../../src/core/worker/fetcher.ts"
import { createPulse } from "../../../src/core/worker/pulse.ts"
import { manualClock } from "../../support/manual-clock.ts"

/** A fetch loop over a store that answers as told, and a heartbeat beside it. */
function desk({ slot = async () => {} }: { slot?: () => Promise<void> } = {}) {
  const clock = manualClock()
  const pulse = createPulse(clock)
  const over = new AbortController()
  let answer: () => Promise<unknown> = async () => {}
  const broker = {
    reserve: () => answer().then(() => ({ deliveries: [] })),
    reclaim: () => answer().then(() => []),
  } as unknown as Broker
  const parts = {
    ...{ broker, clock, pulse, store: createStoreWatch(() => {}, clock), holder: "w", leaseMs: 30_000 },
    ...{ queues: () => ["default"], free: () => 1, take: () => 0, slot },
    rest: async () => {
      await clock.sleep(5000, over.signal)
      return true
    },
  }
  void fetcher(parts, over.signal)
  void (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(1000, over.signal)
      pulse.beat()
    }
  })()
  return {
    clock,
    store(answers: () => Promise<unknown>) {
      answer = answers
    },
    /** For how long nothing has moved. */
    still: () => clock.monotonic() - pulse.lastProgressAt(),
    [Symbol.dispose]: () => over.abort(),
  }
}

test("an idle worker makes progress by sleeping and looking", async () => {
  using it = desk()
  await it.clock.advance(60_000)
  expect(it.still()).toBeLessThanOrEqual(5000)
})

test("a store that refuses is progress, one that never answers is not", async () => {
  using it = desk()
  it.store(async () => {
    throw new Error("away")
  })
  await it.clock.advance(60_000)
  expect(it.still()).toBeLessThanOrEqual(5000)
  it.store(() => new Promise(() => {}))
  await it.clock.advance(60_000)
  expect(it.still()).toBeGreaterThan(50_000)
})

test("a worker whose tasks are long lives by its heartbeat", async () => {
  using it = desk({ slot: () => new Promise(() => {}) })
  await it.clock.advance(3_600_000)
  expect(it.still()).toBeLessThanOrEqual(1000)
})

test("a heartbeat that stands still is no progress, whatever the fetch loop does", async () => {
  const clock = manualClock()
  const pulse = createPulse(clock)
  await clock.advance(10_000)
  await pulse.turn(Promise.resolve())
  expect(pulse.lastProgressAt()).toBe(0)
  pulse.beat()
  expect(pulse.lastProgressAt()).toBe(10_000)
  await pulse.turn(Promise.reject(new Error("refused"))).catch(() => {})
  expect(pulse.lastProgressAt()).toBe(10_000)
})
