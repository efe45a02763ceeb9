import { describe, expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import { makeEnvelope } from "../../../src/core/client/envelope.ts"
import { createSpool } from "../../../src/core/client/spool.ts"
import type { Broker } from "../../../src/core/contracts/broker.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import { manualClock } from "../../support/manual-clock.ts"

const TARGET = { store: "redis://host:6379", namespace: "shop" }
let stores = 0

async function desk() {
  const clock = manualClock()
  const openOne = () => open(`memory:spool-${++stores}`, { namespace: "t", clock })
  const target = await openOne()
  const kept = await openOne()
  const spool = createSpool(kept, TARGET, clock)
  const envelopes = Array.from({ length: 1200 }, (_, n) =>
    makeEnvelope(clock, {
      task: "t",
      input: { n },
      options: { id: `e${n}`, delay: n === 7 ? "1h" : 0, priority: n % 10 },
    }),
  )
  return { clock, target, kept, spool, envelopes }
}

describe("a spool", () => {
  test("delivers what it kept, whole and unchanged, and is empty then", async () => {
    const { target, spool, envelopes } = await desk()
    await spool.keep(envelopes)
    expect(await spool.count()).toBe(1200)
    expect(await spool.flush(target.broker)).toBe(1200)
    expect(await spool.count()).toBe(0)
    const found = await target.inspector.find(envelopes.map(({ id }) => id))
    expect(found.map((task) => task?.envelope)).toEqual(envelopes)
  })

  test("delivers what was kept by a clock that is fast", async () => {
    const { clock, target, kept, spool, envelopes } = await desk()
    const fast = { ...clock, now: () => clock.now() + 3_600_000 }
    await createSpool(kept, TARGET, fast).keep(envelopes.slice(0, 10))
    expect(await spool.flush(target.broker)).toBe(10)
  })

  test("keeps everything when the store is still away, and gives it at the next try", async () => {
    const { target, spool, envelopes } = await desk()
    await spool.keep(envelopes.slice(0, 10))
    const away = {
      ...target.broker,
      enqueue: () => Promise.reject(unavailable("store_away", "away")),
    } as Broker
    await expect(spool.flush(away)).rejects.toMatchObject({ code: "store_away" })
    expect(await spool.count()).toBe(10)
    expect(await spool.flush(target.broker)).toBe(10)
  })

  test("What was kept for one store is not delivered to another", async () => {
    const { clock, target, kept, spool, envelopes } = await desk()
    const other = createSpool(kept, { ...TARGET, store: "redis://other:6379" }, clock)
    const elsewhere = createSpool(kept, { ...TARGET, namespace: "test" }, clock)
    await spool.keep(envelopes.slice(0, 10))
    await other.keep(envelopes.slice(10, 13))
    expect(await elsewhere.flush(target.broker)).toBe(0)
    expect(await other.flush(target.broker)).toBe(3)
    expect(await other.kept()).toEqual([{ ...TARGET, count: 10, oldestAt: clock.now() }])
    expect(await elsewhere.flush(target.broker, { all: true })).toBe(10)
    expect(await spool.kept()).toEqual([])
  })

  test("a flush that died is made up for by a later one, and doubles nothing", async () => {
    const { clock, target, spool, envelopes } = await desk()
    await spool.keep(envelopes.slice(0, 10))
    const dying = {
      ...target.broker,
      async enqueue(list: readonly never[]) {
        await target.broker.enqueue(list)
        return new Promise<never>(() => {})
      },
    } as Broker
    void spool.flush(dying)
    await clock.advance(31_000)
    expect(await spool.flush(target.broker)).toBe(10)
    const [queue] = await target.inspector.queues()
    expect(queue).toMatchObject({ ready: 9, scheduled: 1 })
  })
})
