import { expect, test } from "bun:test"
import { open } from "../../src/adapters/memory/driver.ts"
import { createClient } from "../../src/core/client/client.ts"
import { followEvents } from "../../src/core/observe/follow.ts"
import { createStoreWatch } from "../../src/core/observe/store-watch.ts"
import { createRouter, NO_ROUTING } from "../../src/core/policy/routing.ts"
import { chord, step } from "../../src/core/task/flow.ts"
import { presence } from "../../src/core/worker/presence.ts"
import { restForWork } from "../../src/core/worker/rest.ts"
import { manualClock } from "../support/manual-clock.ts"

const HOUR = 3_600_000
let stores = 0

/** A store and a machine whose wall clock can be put back, while its monotonic one goes on. */
async function machine() {
  const manual = manualClock()
  let apart = 0
  const clock = { ...manual, now: () => manual.now() + apart }
  const store = await open(`memory:set-back-${++stores}`, { namespace: "sim", clock })
  const watch = createStoreWatch(() => {}, clock)
  return {
    ...{ clock, store, watch, advance: manual.advance },
    putBack: (ms: number) => {
      apart -= ms
    },
  }
}

/** Whatever rings while the clock is wrong makes a wait look at it anew. */
const RINGS = [{ v: 1, id: "t", task: "t", input: null, queue: "other", priority: 5, headers: {} }] as const

test("an idle worker looks again within its poll though the clock was put back by hours", async () => {
  const { clock, store, watch, advance, putBack } = await machine()
  const parts = { ...store, store: watch, clock, queues: () => ["default"], holdsAny: () => false }
  const rest = restForWork({ ...parts, emptyHanded: () => Promise.resolve() } as never)
  const over = new AbortController()
  let woke = false
  const resting = rest(Number.POSITIVE_INFINITY, over.signal).then(() => {
    woke = true
  })
  await advance(1000)
  putBack(5 * HOUR)
  await store.broker.enqueue([{ ...RINGS[0], enqueuedAt: clock.now(), dueAt: clock.now() } as never])
  await advance(1000)
  expect(woke).toBe(false)
  await advance(4000)
  expect(woke).toBe(true)
  over.abort()
  await resting
})

test("a worker goes on saying that it is there though the clock was put back by hours", async () => {
  const { clock, store, watch, advance, putBack } = await machine()
  let beats = 0
  const over = new AbortController()
  const registry = {
    ...store.workers,
    beat: async () => {
      beats += 1
      return []
    },
    // As a store that looks at the clock again whenever it rings.
    wait: async (_id: string, until: number, signal: AbortSignal) => {
      while (!signal.aborted && clock.now() < until) await clock.sleep(500, signal)
    },
  }
  const done = presence(
    { registry: registry as never, store: watch, clock, emit: () => {} },
    { describe: () => ({ id: "w" }) } as never,
    over.signal,
  )
  await advance(12_000)
  expect(beats).toBe(3)
  putBack(5 * HOUR)
  await advance(10_000)
  expect(beats).toBe(5)
  over.abort()
  await advance(1)
  await done
})

test("who follows events looks again within a poll though the clock was put back by hours", async () => {
  const { clock, advance, putBack } = await machine()
  let looks = 0
  const log = {
    position: async () => "0",
    read: async () => {
      looks += 1
      return { events: [], cursor: "0", gap: false }
    },
    wait: async (_cursor: string, until: number, signal: AbortSignal) => {
      while (!signal.aborted && clock.now() < until) await clock.sleep(500, signal)
    },
  }
  const over = new AbortController()
  const from = { cursor: "0" }
  const events = followEvents({ log, clock, from, live: true, filter: {}, signal: over.signal } as never)
  const next = events.next()
  await advance(1000)
  const before = looks
  putBack(5 * HOUR)
  await advance(11_000)
  expect(looks).toBeGreaterThan(before)
  over.abort()
  await advance(1)
  expect((await next).done).toBe(true)
})

test("who waits for a task or a flow waits no longer than was said though the clock was put back by hours", async () => {
  const { clock, store, advance, putBack } = await machine()
  const router = createRouter(NO_ROUTING)
  const client = createClient({ ...store, clock, router, close: async () => {} })
  const flow = await client.enqueue(chord([step("a"), step("b")], step("c")))
  const { id } = await client.enqueue("t")
  const over: string[] = []
  const waits = [
    client.wait(id, { timeout: "10s" }).then(({ state }) => over.push(state)),
    client.waitForFlow(flow, { timeout: "10s" }).then((end) => over.push(`${end?.state}`)),
  ]
  await advance(1000)
  putBack(5 * HOUR)
  await store.broker.enqueue([{ ...RINGS[0], enqueuedAt: clock.now(), dueAt: clock.now() } as never])
  await advance(8000)
  expect(over).toEqual([])
  await advance(1500)
  expect(over.sort()).toEqual(["scheduled", "undefined"])
  await Promise.all(waits)
})
