import { afterEach, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { schedulePut } from "../../src/core/beat/put.ts"
import type { StoredEvent } from "../../src/core/task/event.ts"
import type { Group } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { parseSchedule } from "../../src/core/task/schedule.ts"
import { openStores, type Stores, systemClock } from "../../src/stem.ts"
import { placeOn, STORES } from "../cli/places.ts"
import { tasksBy } from "../support/envelopes.ts"
import { settlementsBy } from "../support/settlements.ts"

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)
let clear: (() => Promise<void>) | undefined
afterEach(() => clear?.())

/** Two namespaces of one store, in which the same names are used. */
async function openTwo(store: (typeof STORES)[number] | "memory"): Promise<readonly [Stores, Stores]> {
  const folder = mkdtempSync(join(tmpdir(), "stem-namespaces-"))
  const name = `two-${crypto.randomUUID().slice(0, 8)}`
  const place = store === "memory" ? undefined : placeOn(store, folder)
  const broker = place?.env.STEM_BROKER_URL ?? `memory:${name}`
  const stores = await Promise.all(
    ["a", "b"].map((one) => openStores({ broker, namespace: `${name}-${one}` })),
  )
  clear = async () => {
    await Promise.all(stores.map((one) => one.close()))
    await place?.clear()
    rmSync(folder, { recursive: true, force: true })
  }
  return stores as unknown as readonly [Stores, Stores]
}

const ask = { queues: ["default"], max: 10, holder: "worker", leaseMs: 60_000 }
const unique = { unique: { key: "k", mode: "live" } }
const event = (id: string) =>
  ({ v: 1, kind: "enqueued", at: 1, id, task: "t", queue: "default" }) as StoredEvent
const group: Group = { v: 1, id: "g", size: 1, openedAt: 1, body: task("g:body") }

describe.each(["memory", ...STORES] as const)("on %s", (store) => {
  test("Two namespaces of one store never meet", async () => {
    const [a, b] = await openTwo(store)
    const both = [a, b]
    // The same id, the same key, the same group, the same schedule, the same lock: stored in each.
    for (const { broker, schedules, drivers } of both) {
      const [locked] = await Promise.all(drivers.map(({ locks }) => locks.acquire("lock", "me", 60_000)))
      expect(locked?.token).toBe(1)
      const sent = [task("x", { more: unique }), task("g:0", { more: { group: { group: "g", index: 0 } } })]
      expect(await broker.enqueue(sent, [group])).toMatchObject([{ kind: "stored" }, { kind: "stored" }])
      const daily = parseSchedule({
        v: 1,
        name: "daily",
        task: "x",
        spec: { kind: "every", everyMs: 86_400_000 },
      })
      expect(await schedules.put([schedulePut(daily, systemClock.now())])).toMatchObject([{ kind: "added" }])
    }
    // What happens to one happens to it alone.
    await a.inspector.pause("default")
    const deliveries: Delivery[] = []
    // They are due by this machine's clock; a store that was slow to tell its own is behind by some milliseconds.
    while (deliveries.length < 2) deliveries.push(...(await b.broker.reserve(ask)).deliveries)
    expect(deliveries).toHaveLength(2)
    for (const of of deliveries) {
      const { group: place, id } = of.envelope
      await b.broker.settle([{ ...say.success(of), ...(place && { arrive: { ...place, id, ok: true } }) }])
    }
    await b.schedules.remove(["daily"])
    expect(await b.groups.get(["g"])).toMatchObject([{ state: "complete" }])
    expect(await a.groups.get(["g"])).toMatchObject([{ state: "open", arrived: 0 }])
    expect(await a.schedules.get(["daily"])).toMatchObject([{ schedule: { name: "daily" } }])
    expect(await a.inspector.find(["x"])).toMatchObject([{ status: { state: "queued" } }])
    expect(await a.results.get(["x"])).toEqual([undefined])
    expect(await a.broker.enqueue([task("y", { more: unique })])).toMatchObject([
      { id: "x", kind: "duplicate" },
    ])
    expect(await b.broker.enqueue([task("y", { more: unique })])).toMatchObject([{ id: "y", kind: "stored" }])
    expect((await b.inspector.queues()).map(({ paused }) => paused)).toEqual([false])
    await a.drivers[0]?.events.append([event("only-a")])
    const { events } = await b.events.read(await b.events.position("oldest"), 100)
    expect(events.filter(({ id }) => id === "only-a")).toEqual([])
  })
})
