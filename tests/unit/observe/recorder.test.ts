import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import type { EventLog } from "../../../src/core/contracts/events.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import { createRecorder } from "../../../src/core/observe/recorder.ts"
import type { StoredEvent } from "../../../src/core/task/event.ts"
import { manualClock } from "../../support/manual-clock.ts"

let stores = 0

/** A recorder on a log that can be away, and what the log was handed. */
async function scene(keep = 100_000) {
  const clock = manualClock()
  const { events } = await open(`memory:recorder-${++stores}`, { namespace: "r", clock })
  const handed: number[] = []
  const store = { away: false, refuses: false }
  const log: EventLog = {
    ...events,
    async append(batch) {
      handed.push(batch.length)
      if (store.away) throw unavailable("store_away", "the store is away")
      if (store.refuses) throw new Error("never")
      return events.append(batch)
    },
  }
  const recorder = createRecorder(log, { keep, ageMs: 1e9 }, clock)
  const event = (id: number | string): StoredEvent => ({
    ...{ kind: "started", at: clock.now(), id: `${id}`, task: "t", queue: "q" },
  })
  const read = async () => {
    const all: StoredEvent[] = []
    let cursor = await events.position("oldest")
    for (let page = await events.read(cursor, 1000); page.events.length > 0; ) {
      all.push(...page.events)
      cursor = page.cursor
      page = await events.read(cursor, 1000)
    }
    return all
  }
  return { clock, recorder, event, handed, store, read, log }
}

test("the first event goes a moment later, and what comes meanwhile goes together", async () => {
  const { recorder, event, handed, read, clock } = await scene()
  recorder.record(event(0))
  await clock.advance(4)
  expect(handed).toEqual([])
  await clock.advance(1)
  expect(handed).toEqual([1])
  for (let at = 1; at <= 500; at++) recorder.record(event(at))
  await clock.advance(100)
  expect(handed).toEqual([1, 500])
  expect((await read()).map(({ id }) => Number(id))).toEqual(Array.from({ length: 501 }, (_, at) => at))
})

test("Events that the store can not take wait, and what is dropped is counted and said", async () => {
  const { recorder, event, store, read, clock } = await scene()
  const said: number[] = []
  recorder.dropped = (count) => said.push(count)
  store.away = true
  for (let at = 0; at < 60_000; at++) recorder.record(event(at))
  await clock.advance(10_000)
  expect(await read()).toEqual([])
  store.away = false
  await clock.advance(10_000)
  const all = await read()
  expect(said).toEqual([10_000])
  expect(all.filter(({ kind }) => kind === "started").map(({ id }) => Number(id))).toEqual(
    Array.from({ length: 50_000 }, (_, at) => at),
  )
  expect(all.filter(({ kind }) => kind === "dropped")).toMatchObject([{ count: 10_000 }])
})

test("what the store will never take is dropped, counted, and in nobody's way", async () => {
  const { clock, recorder, event, store, read } = await scene()
  const told: number[] = []
  recorder.dropped = (count) => told.push(count)
  store.refuses = true
  recorder.record(event(1))
  await clock.advance(100)
  store.refuses = false
  recorder.record(event(2))
  await clock.advance(100)
  await recorder.idle()
  expect((await read()).map(({ kind, id }) => id ?? kind)).toEqual(["2", "dropped"])
  expect(told).toEqual([1])
})

test("the log is kept within its count while it is written", async () => {
  const { recorder, event, read, clock } = await scene(2000)
  for (let at = 0; at < 20_000; at++) recorder.record(event(at))
  await clock.advance(1000)
  const all = await read()
  expect(all.length).toBeGreaterThanOrEqual(1500)
  expect(all.length).toBeLessThanOrEqual(2200)
  expect(all.at(-1)?.id).toBe("19999")
})

test("closing stores what is pending, and does not wait for long for a store that is away", async () => {
  const { recorder, event, read, store, clock } = await scene()
  for (let at = 0; at < 3000; at++) recorder.record(event(at))
  await recorder.close()
  expect(await read()).toHaveLength(3000)
  const other = await scene()
  other.store.away = true
  other.recorder.record(other.event(1))
  const closed = other.recorder.close()
  await other.clock.advance(3000)
  await closed
  recorder.record(event("late"))
  store.away = false
  await clock.advance(1000)
  expect(await read()).toHaveLength(3000)
})
