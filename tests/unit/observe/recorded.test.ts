import { expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DEFAULT_RETENTION } from "../../../src/core/config/config.ts"
import type { StoredEvent } from "../../../src/core/task/event.ts"
import { clientOf, openStores, type Stores, startWorker } from "../../../src/stem.ts"
import { every, putOf } from "../../support/schedules.ts"

const MODULE = `
export const good = { run: (_, ctx) => ctx.enqueue("child") }
export const sends = { run: (_, ctx) => void ctx.after("child", 1, { unique: { key: "k" }, delay: "1h" }) }
export const child = { run: () => 1 }
export const flaky = { retries: 1, backoff: { kind: "fixed", base: 1 }, run(_, { attempt }) { if (attempt < 2) throw new Error("not yet") } }
export const bad = { retries: 0, run() { throw new TypeError("never") } }
`

async function allOf(stores: Stores): Promise<readonly StoredEvent[]> {
  await stores.recorder?.idle()
  const all: StoredEvent[] = []
  for await (const event of clientOf(stores).events({ from: "oldest", follow: false }))
    if (event.kind !== "gap") all.push(event)
  return all
}

async function drain(stores: Stores, folder: string) {
  const path = join(folder, "tasks.mjs")
  writeFileSync(path, MODULE)
  const worker = await startWorker(stores, {
    ...{ broker: "", results: "", schedules: "", namespace: "n", log: { level: "info", format: "json" } },
    retention: DEFAULT_RETENTION,
    worker: {
      ...{ modules: [path], queues: [], concurrency: 4, isolates: 1, isolatesMost: 1, isolation: "none" },
      ...{ leaseMs: 5000, graceMs: 1000, name: "w", maxTasks: 0, maxRssBytes: 0, beat: false, drain: true },
      ...{ shell: false, shellAllow: [] },
    },
  })
  await worker.done
}

test("Every change of state of a task is an event", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stem-recorded-"))
  const stores = await openStores({ broker: `sqlite:${join(folder, "s.db")}`, namespace: "n" })
  try {
    const client = clientOf(stores)
    const kinds = async (id: string) =>
      (await allOf(stores)).flatMap((event) => (event.id === id ? [event.kind] : []))
    const ids: Record<string, string> = {}
    for (const task of ["good", "flaky", "bad"]) ids[task] = (await client.enqueue(task)).id
    ids.late = (await client.enqueue("good", 1, { delay: "1h" })).id
    ids.stale = (await client.enqueue("good", 1, { id: "stale", expires: "1ms" })).id
    await client.cancel([ids.late])
    await client.enqueue("good", 1, { id: "stale" })
    await Bun.sleep(5)
    await drain(stores, folder)
    expect(await kinds(ids.good as string)).toEqual(["enqueued", "started", "succeeded"])
    expect(await kinds(ids.flaky as string)).toEqual([
      "enqueued",
      "started",
      "retrying",
      "started",
      "succeeded",
    ])
    expect(await kinds(ids.bad as string)).toEqual(["enqueued", "started", "failed"])
    expect(await kinds(ids.late)).toEqual(["enqueued", "cancelled"])
    expect(await kinds("stale")).toEqual(["enqueued", "expired"])
    const all = await allOf(stores)
    const child = all.find(({ task, kind }) => task === "child" && kind === "enqueued")
    expect(child?.parent).toBe(ids.good)
    expect(await kinds(child?.id as string)).toEqual(["enqueued", "started", "succeeded"])
    expect(all.find(({ kind }) => kind === "failed")).toMatchObject({
      ...{ task: "bad", queue: "default", attempt: 1, error: { name: "TypeError", message: "never" } },
      worker: expect.stringMatching(/^w-/),
    })
    expect(all.filter(({ kind }) => kind.startsWith("worker_")).map(({ kind }) => kind)).toEqual([
      "worker_ready",
      "worker_stopped",
    ])

    const [letter] = await stores.inspector.deadLetters.replay([{ id: ids.bad as string, dueAt: 0 }])
    expect(letter).toBe(ids.bad as string)
    const ask = { queues: ["default"], max: 1, leaseMs: 1 }
    await stores.broker.reserve({ ...ask, holder: "dead" })
    await Bun.sleep(5)
    await stores.broker.reclaim({ ...ask, holder: "heir", leaseMs: 60_000 })
    await client.cancel([ids.bad as string])
    expect((await kinds(ids.bad as string)).slice(3)).toEqual(["replayed", "reclaimed", "cancel_asked"])
    expect((await allOf(stores)).find(({ kind }) => kind === "reclaimed")).toMatchObject({
      ...{ worker: "heir", task: "bad", queue: "default" },
    })
  } finally {
    await stores.close()
    rmSync(folder, { recursive: true })
  }
})

test("What a key has refused is not told as enqueued", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stem-recorded-"))
  const stores = await openStores({ broker: "memory:recorded-double", namespace: "n" })
  try {
    const client = clientOf(stores)
    for (let n = 0; n < 3; n++) await client.enqueue("sends")
    await drain(stores, folder)
    const children = (await allOf(stores)).filter(({ task, kind }) => task === "child" && kind === "enqueued")
    expect(children).toHaveLength(1)
    expect((await stores.inspector.find([children[0]?.id as string]))[0]).toBeDefined()
  } finally {
    await stores.close()
    rmSync(folder, { recursive: true })
  }
})

test("Queues that are paused, resumed and purged, and schedules that fire, are events", async () => {
  const stores = await openStores({ broker: "memory:recorded", namespace: "n" })
  await stores.inspector.pause("mail")
  await stores.inspector.pause("mail")
  await stores.inspector.resume("mail")
  const client = clientOf(stores)
  await client.enqueueMany([1, 2, 3].map((input) => ({ task: "t", input, options: { queue: "mail" } })))
  await stores.inspector.purge("mail", 100)
  const now = stores.clock.now()
  await stores.schedules.put([putOf(every("a", 1000), now)])
  await stores.schedules.fire([{ name: "a", nominalAt: now, firedAt: now, id: "elsewhere" }])
  expect(
    (await allOf(stores)).map(({ kind, queue, count, schedule, id }) => ({
      kind,
      queue,
      count,
      schedule,
      id,
    })),
  ).toMatchObject([
    { kind: "queue_paused", queue: "mail" },
    { kind: "queue_resumed", queue: "mail" },
    ...[1, 2, 3].map(() => ({ kind: "enqueued", queue: "mail" })),
    { kind: "queue_purged", queue: "mail", count: 3 },
    { kind: "schedule_fired", schedule: "a", id: "elsewhere" },
  ])
  await stores.close()
})

test("With events off nothing is told", async () => {
  const off = { on: false, keep: 10, ageMs: 1000 }
  const stores = await openStores({ broker: "memory:untold", namespace: "n", events: off })
  await clientOf(stores).enqueue("t")
  expect(await allOf(stores)).toEqual([])
  await stores.close()
})
