import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import { makeEnvelope } from "../../../src/core/client/envelope.ts"
import { createSpool } from "../../../src/core/client/spool.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import type { WorkerEvent } from "../../../src/core/observe/events.ts"
import { deliverSpool } from "../../../src/core/upkeep/spool.ts"
import { manualClock } from "../../support/manual-clock.ts"

test("what the spool keeps is delivered as soon as the store takes it, and trouble is told once", async () => {
  const clock = manualClock()
  const [target, kept] = [
    await open("memory:upkeep-target", { namespace: "t", clock }),
    await open("memory:upkeep-spool", { namespace: "t", clock }),
  ]
  const spool = createSpool(kept, { store: "redis://host", namespace: "t" }, clock)
  await spool.keep([makeEnvelope(clock, { task: "a" }), makeEnvelope(clock, { task: "b" })])
  const events: WorkerEvent[] = []
  let away = true
  let opened = 0
  const broker = {
    enqueue: ((envelopes) =>
      away
        ? Promise.reject(unavailable("store_away", "away"))
        : target.broker.enqueue(envelopes)) as typeof target.broker.enqueue,
  }
  const over = new AbortController()
  const openOnce = async () => {
    if (++opened === 1) throw unavailable("store_locked", "locked")
    return spool
  }
  const done = deliverSpool(
    { open: openOnce, broker, clock, emit: (event) => void events.push(event) },
    over.signal,
  )
  await clock.advance(20_000)
  expect(events).toMatchObject([
    { kind: "upkeep_failed", error: { message: "locked" } },
    { kind: "upkeep_failed", error: { message: "away" } },
  ])
  away = false
  await clock.advance(3000)
  expect(events.slice(2)).toEqual([{ kind: "spool_flushed", count: 2 }])
  await clock.advance(20_000)
  expect(events).toHaveLength(3)
  over.abort()
  await done
})
