import { expect, test } from "bun:test"
import type { WorkerEvent } from "../../src/core/observe/events.ts"
import { type Cluster, cluster } from "./cluster.ts"

const POLICY = { min: 2, max: 10, up: 3, down: 2, cooldownMs: 4000, waitMs: 1000 }
const resizes = (events: readonly WorkerEvent[]) =>
  events.flatMap((event) => (event.kind === "resized" ? [[event.from, event.to]] : []))
const most = ({ diary }: Cluster) =>
  Math.max(
    ...diary.map(
      ({ startedAt: at }) =>
        diary.filter(({ startedAt, endedAt = Number.POSITIVE_INFINITY }) => startedAt <= at && endedAt > at)
          .length,
    ),
  )

test("A backlog makes a worker run more at once, up to the most it may, and idleness fewer again", async () => {
  const world = await cluster(1)
  const { worker, events } = await world.boot({ concurrency: 2, autoscale: POLICY })
  for (let n = 0; n < 60; n++) await world.enqueue(`t-${n}`, { ms: 2000 })
  await world.clock.advance(60_000)
  expect(world.diary.filter(({ endedAt }) => endedAt !== undefined)).toHaveLength(60)
  expect(most(world)).toBe(10)
  expect(resizes(events)).toEqual([
    [2, 5],
    [5, 8],
    [8, 10],
    [10, 8],
    [8, 6],
    [6, 4],
    [4, 2],
  ])
  expect((await world.store.workers.list())[0]).toMatchObject({ concurrency: 2 })
  expect(world.diary.some(({ aborted }) => aborted)).toBeFalse()
  worker.drain()
  await world.clock.advance(1000)
  await worker.done
})

test("A short queue whose tasks wait too long is a reason to run more at once", async () => {
  const world = await cluster(2)
  const { worker, events } = await world.boot({ concurrency: 2, autoscale: POLICY })
  for (let n = 0; n < 3; n++) await world.enqueue(`t-${n}`, { ms: 5000 })
  await world.clock.advance(2500)
  expect(resizes(events)).toEqual([[2, 5]])
  expect(events.find(({ kind }) => kind === "resized")).toMatchObject({
    reason: expect.stringContaining("the oldest task has been waiting"),
  })
  await world.clock.advance(0)
  expect(world.diary).toHaveLength(3)
  worker.drain()
  await world.clock.advance(10_000)
  await worker.done
})

test("A paused queue and a queue of others are no reason to run more at once", async () => {
  const world = await cluster(3)
  const { worker, events } = await world.boot({ concurrency: 2, autoscale: POLICY })
  await world.enqueue("a", { ms: 9000 })
  await world.enqueue("b", { ms: 9000 })
  await world.clock.advance(10)
  await world.store.inspector.pause("default")
  for (let n = 0; n < 50; n++) await world.enqueue(`p-${n}`, { ms: 1 })
  for (let n = 0; n < 50; n++) await world.enqueue(`o-${n}`, { ms: 1 }, { queue: "others" })
  await world.clock.advance(8000)
  expect(resizes(events)).toEqual([])
  worker.drain()
  await world.clock.advance(10_000)
  await worker.done
})

test("Workers of one queue grow together by no more than what waits, and by all of it", async () => {
  const world = await cluster(9)
  const all = []
  for (let n = 0; n < 5; n++) all.push(await world.boot({ concurrency: 2, autoscale: POLICY }))
  for (let n = 0; n < 16; n++) await world.enqueue(`t-${n}`, { ms: 20_000 })
  await world.clock.advance(4000)
  const sizes = (await world.store.workers.list()).map(({ concurrency }) => concurrency)
  // Ten ran and six waited: three more slots for each of the five would have been fifteen.
  expect(
    all.flatMap(({ events }) => resizes(events)).reduce((sum, [from = 0, to = 0]) => sum + to - from, 0),
  ).toBe(6)
  expect(sizes).toHaveLength(5)
  expect(world.diary).toHaveLength(16)
  for (const { worker } of all) worker.drain()
  await world.clock.advance(60_000)
  await Promise.all(all.map(({ worker }) => worker.done))
})
