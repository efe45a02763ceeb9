import { describe, expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import { makeEnvelope } from "../../../src/core/client/envelope.ts"
import { splitResults } from "../../../src/core/client/split-results.ts"
import type { ResultBackend } from "../../../src/core/contracts/results.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import { manualClock } from "../../support/manual-clock.ts"

let stores = 0

/** Two stores, the second of which can be cut off at each of its steps; and a task in a worker's hand. */
async function desk() {
  const clock = manualClock()
  const openOne = () => open(`memory:split-crash-${++stores}`, { namespace: "t", clock })
  const [here, there] = [await openOne(), await openOne()]
  const cut = { put: false, forget: false }
  const guard =
    <A extends unknown[], R>(step: "put" | "forget", call: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      if (cut[step]) throw unavailable("store_away", "cut")
      return call(...args)
    }
  const results: ResultBackend = { ...there.results, put: guard("put", there.results.put) }
  const own: ResultBackend = { ...here.results, forget: guard("forget", here.results.forget) }
  const split = splitResults({ ...here, results: own }, { ...there, results })
  await split.broker.enqueue([
    makeEnvelope(clock, { task: "t", options: { id: "a" } }),
    makeEnvelope(clock, { task: "t", options: { id: "b" } }),
  ])
  const { deliveries } = await split.broker.reserve({
    queues: ["default"],
    max: 1,
    holder: "w",
    leaseMs: 1000,
  })
  const [{ lease, envelope }] = deliveries as [(typeof deliveries)[number]]
  const settle = (token = lease.token) =>
    split.broker.settle([
      {
        lease: { ...lease, token },
        verdict: { kind: "ack" },
        status: {
          ...{ v: 1, id: envelope.id, task: "t", queue: "default", state: "succeeded", attempt: 1, token },
          ...{ enqueuedAt: envelope.enqueuedAt, finishedAt: clock.now(), result: token },
        },
        next: [makeEnvelope(clock, { task: "next", options: { id: "a/1" } })],
      },
    ])
  return { clock, here, there, split, cut, settle }
}

describe("results in another store", () => {
  test("a settled task is remembered there and nowhere else", async () => {
    const { here, there, split, settle } = await desk()
    expect(await settle()).toEqual(["settled"])
    expect(await there.results.get(["a"])).toMatchObject([{ state: "succeeded", result: 1 }])
    expect(await here.results.get(["a"])).toEqual([undefined])
    expect(await split.inspector.ended()).toMatchObject({ succeeded: 1 })
  })

  test.each(["put", "forget"] as const)(
    "a crash before %s loses nothing, doubles nothing, and a sweep mends it",
    async (step) => {
      const { here, there, split, cut, settle } = await desk()
      cut[step] = true
      expect(await settle()).toEqual(["settled"])
      expect(await split.results.get(["a"])).toMatchObject([{ state: "succeeded", result: 1 }])
      expect(await split.results.wait("a", 0)).toMatchObject({ result: 1 })
      expect(await split.results.list({ limit: 10 })).toHaveLength(1)
      expect(await split.inspector.ended()).toMatchObject({ succeeded: 1 })
      // Doing it again, as a worker without an answer does, changes nothing.
      expect(await settle()).toEqual(["stale"])
      expect((await split.inspector.find(["a/1"]))[0]?.status).toMatchObject({ state: "queued" })
      const [queue] = await split.inspector.queues()
      expect(queue).toMatchObject({ ready: 2, running: 0 })
      // Its id is known, so it can not run again.
      expect(
        await split.broker.enqueue([makeEnvelope(manualClock(), { task: "t", options: { id: "a" } })]),
      ).toMatchObject([{ kind: "duplicate" }])

      cut[step] = false
      await split.results.prune({ succeededBefore: 0, otherBefore: 0, max: 100 })
      expect(await here.results.get(["a"])).toEqual([undefined])
      expect(await there.results.get(["a"])).toMatchObject([{ result: 1 }])
      expect(await split.inspector.ended()).toMatchObject({ succeeded: 1 })
    },
  )

  test("a ghost's settlement reaches neither store", async () => {
    const { clock, there, split, settle } = await desk()
    await clock.advance(1001)
    await split.broker.reclaim({ queues: ["default"], max: 1, holder: "other", leaseMs: 1000 })
    expect(await settle()).toEqual(["stale"])
    expect(await there.results.get(["a"])).toEqual([undefined])
    expect(await split.inspector.find(["a/1"])).toEqual([undefined])
  })

  test("who waits hears of the end, wherever it is remembered at that moment", async () => {
    for (const step of ["none", "put", "forget"] as const) {
      const { clock, split, cut, settle } = await desk()
      if (step !== "none") cut[step] = true
      const waiting = split.results.wait("a", clock.now() + 10_000)
      await clock.advance(10)
      await settle()
      expect(await waiting).toMatchObject({ state: "succeeded" })
    }
  })

  test("a task brought back from the dead letters shows its old end in neither store", async () => {
    const { clock, split } = await desk()
    const { deliveries } = await split.broker.reserve({
      queues: ["default"],
      max: 1,
      holder: "w",
      leaseMs: 1000,
    })
    const [{ lease, envelope }] = deliveries as [(typeof deliveries)[number]]
    const error = { name: "Error", message: "no" }
    await split.broker.settle([
      {
        lease,
        verdict: { kind: "bury", reason: error },
        status: {
          ...{ v: 1, id: envelope.id, task: "t", queue: "default", state: "failed", attempt: 1, token: 1 },
          ...{ enqueuedAt: 1, finishedAt: clock.now(), error },
        },
        next: [],
      },
    ])
    expect(await split.results.get(["b"])).toMatchObject([{ state: "failed" }])
    expect(await split.inspector.deadLetters.replay([{ id: "b", dueAt: clock.now() }])).toEqual(["b"])
    expect(await split.results.get(["b"])).toEqual([undefined])
  })
})
