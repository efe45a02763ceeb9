import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import type { Order, Presence } from "../../../src/core/contracts/workers.ts"
import { addressed, command } from "../../../src/core/control/command.ts"
import type { WorkerEvent } from "../../../src/core/observe/events.ts"
import { createStoreWatch } from "../../../src/core/observe/store-watch.ts"
import type { Controls } from "../../../src/core/worker/control.ts"
import { createRate } from "../../../src/core/worker/describe.ts"
import { presence } from "../../../src/core/worker/presence.ts"
import { manualClock } from "../../support/manual-clock.ts"

let stores = 0

/** Workers that only show themselves and obey, and what was done to them. */
async function scene(...names: string[]) {
  const clock = manualClock()
  const { workers: registry } = await open(`memory:control-${++stores}`, { namespace: "c", clock })
  const done: string[] = []
  const events: WorkerEvent[] = []
  const over = new AbortController()
  const emit = (event: WorkerEvent) => void events.push(event)
  const present = names.map((name) => {
    let concurrency = 2
    let state: Presence["state"] = "running"
    const describe = (): Presence => ({
      ...{ v: 1, id: `${name}-1`, name, host: "h", pid: 1, version: "9", state, queues: ["default"] },
      ...{ concurrency, tasks: ["t"], running: [], runningCount: 1, perMinute: 3, rssBytes: 1, hears: true },
      ...{ done: { succeeded: 1, failed: 0, retried: 0 }, startedAt: 0, seenAt: clock.now() },
    })
    const controls: Controls = {
      describe,
      quiet() {
        state = "quiet"
      },
      resume() {
        state = "running"
      },
      drain: () => void done.push(`${name} drains`),
      resize(count) {
        concurrency = count
      },
      reload: async () => (name === "b" ? { name: "E", message: "broken" } : undefined),
      cancel: (ids) => (name === "a" ? ids : []),
    }
    const store = createStoreWatch(emit, clock)
    return presence({ registry, store, clock, emit }, controls, over.signal)
  })
  await clock.advance(0)
  const tell = async (order: Order, timeout = 1000) => {
    const replies = command({ registry, clock }, order, await registry.list(), timeout)
    await clock.advance(timeout + 200)
    const { answered, silent } = await replies
    return { answers: answered.map(({ name, ok, message }) => [name, ok, message]), silent, answered }
  }
  const end = async () => {
    over.abort()
    await Promise.all(present)
  }
  return { clock, registry, tell, done, events, end }
}

test("Every addressed worker answers a command", async () => {
  const { tell, done, events, registry, end } = await scene("a", "b", "c")
  const said = async (order: Order) => (await tell(order)).answers
  expect(await said({ kind: "ping" })).toEqual(["a", "b", "c"].map((name) => [name, true, "pong"]))
  expect((await tell({ kind: "stats" })).answered[0]?.presence).toMatchObject({ name: "a", perMinute: 3 })
  expect(await said({ kind: "resize", concurrency: 7 })).toContainEqual(["a", true, "7 at once, not 2"])
  expect(await said({ kind: "reload" })).toEqual([
    ["a", true, "read its modules anew: 1 task"],
    ["b", false, "the old modules go on: broken"],
    ["c", true, "read its modules anew: 1 task"],
  ])
  expect(await said({ kind: "cancel", ids: ["x"], terminate: false })).toEqual([
    ["a", true, "asked to stop: x"],
    ["b", true, "does not run here"],
    ["c", true, "does not run here"],
  ])
  expect(await said({ kind: "quiet" })).toContainEqual(["a", true, "takes nothing new; 1 task still run"])
  // What they have become is seen at once, not at the next beat.
  expect((await registry.list()).map(({ state, concurrency }) => [state, concurrency])).toEqual(
    [1, 2, 3].map(() => ["quiet", 7]),
  )
  expect(await said({ kind: "resume" })).toContainEqual(["a", true, "takes work"])
  await said({ kind: "stop" })
  expect(done).toEqual(["a drains", "b drains", "c drains"])
  expect(await said({ kind: "dance" } as never)).toContainEqual(["a", false, 'Stem 9 does not know "dance"'])
  expect(events.filter(({ kind }) => kind === "commanded")).toHaveLength(3 * 9)
  await end()
  expect(await registry.list()).toEqual([])
})

test("A worker that does not answer in time is named, and does not do it later", async () => {
  const { registry, clock, tell, end } = await scene("a")
  const frozen = (await registry.list()).map((one) => ({ ...one, id: "f-1", name: "frozen" }))[0] as Presence
  await registry.beat(frozen, 15_000)
  const { answers, silent } = await tell({ kind: "ping" })
  expect(answers).toEqual([["a", true, "pong"]])
  expect(silent.map(({ name }) => name)).toEqual(["frozen"])
  await clock.advance(1000)
  expect(await registry.beat(frozen, 15_000)).toEqual([])
  await end()
})

test("a command is heard at once, not at the next beat", async () => {
  const { registry, clock, end } = await scene("a")
  const sent = clock.now()
  const { answered } = await (async () => {
    const replies = command({ registry, clock }, { kind: "ping" }, await registry.list(), 4000)
    await clock.advance(100)
    return replies
  })()
  expect((answered[0]?.at as number) - sent).toBeLessThan(100)
  await end()
})

test("workers are addressed by name, id or the beginning of an id; those that do not hear are not", () => {
  const one = (id: string, name: string, hears = true) => ({ id, name, ...(hears && { hears }) }) as Presence
  const all = [one("a-11", "a"), one("a-12", "a"), one("b-13", "b"), one("beat-1", "beat", false)]
  const ids = (words: string[]) => addressed(all, words).meant.map(({ id }) => id)
  expect(ids([])).toEqual(["a-11", "a-12", "b-13"])
  expect(ids(["a"])).toEqual(["a-11", "a-12"])
  expect(ids(["a-12", "b", "b"])).toEqual(["a-12", "b-13"])
  expect(ids(["b-"])).toEqual(["b-13"])
  expect(addressed(all, ["beat", "b", ""]).unknown).toEqual(["beat", ""])
})

test("the rate is what ended within the last minute", async () => {
  const clock = manualClock()
  const tally = { succeeded: 0, failed: 0, retried: 0 }
  const rate = createRate(tally, clock)
  for (let second = 0; second < 300; second++) {
    await clock.advance(1000)
    tally.succeeded += 2
    rate()
  }
  expect(rate()).toBeGreaterThanOrEqual(116)
  expect(rate()).toBeLessThanOrEqual(122)
  for (let second = 0; second < 90; second++) {
    await clock.advance(1000)
    rate()
  }
  expect(rate()).toBe(0)
})
