import { expect } from "bun:test"
import type { EndState, TaskStatus } from "../../src/core/task/status.ts"
import { idsOf } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const status = (
  id: string,
  state: EndState,
  finishedAt: number,
  more: Partial<TaskStatus> = {},
): TaskStatus => ({
  ...{ v: 1, id, task: "image.resize", queue: "default", state, attempt: 1, token: 1 },
  ...{ enqueuedAt: 1, finishedAt, ...more },
})

export const resultQuestions: Questions = {
  "get answers in the order of the ids, undefined where nothing is known": async ({ results }) => {
    const [a, b] = [status("a", "succeeded", 5, { result: [1, null] }), status("b", "failed", 6)]
    await results.put([a, b])
    expect(await results.get(["b", "nobody", "a", "b"])).toEqual([b, undefined, a, b])
    expect(await results.get([])).toEqual([])
  },

  "a status keeps the fields it does not know": async ({ results }) => {
    const future = { ...status("a", "succeeded", 5), futureField: { kept: true } }
    await results.put([future])
    expect(await results.get(["a"])).toEqual([future])
  },

  "of two statuses for one id the one with the higher token stays": async ({ results }) => {
    const [older, newer] = [status("a", "failed", 9, { token: 1 }), status("a", "succeeded", 5, { token: 2 })]
    await results.put([newer])
    await results.put([older])
    expect(await results.get(["a"])).toEqual([newer])
    await results.put([status("b", "failed", 1, { token: 3 }), status("b", "succeeded", 2, { token: 4 })])
    expect((await results.get(["b"]))[0]?.token).toBe(4)
  },

  "of equal tokens the later status stays": async ({ results }) => {
    await results.put([status("a", "failed", 5), status("a", "succeeded", 4)])
    expect((await results.get(["a"]))[0]?.state).toBe("succeeded")
  },

  "what still waits or runs has no result": async ({ store, take, results }) => {
    await store("a", "b")
    await take(1)
    expect(await results.get(["a", "b"])).toEqual([undefined, undefined])
  },

  "wait answers at once when the task has ended": async ({ results }) => {
    const known = status("a", "expired", 5)
    await results.put([known])
    expect(await results.wait("a", 0)).toEqual(known)
  },

  "wait answers when the task ends, for everybody who waits, in every opening of the store": async (desk) => {
    await desk.store("a")
    const other = await desk.again()
    const waits = [desk.results, desk.results, other.results].map(({ wait }) => wait("a", 1e15))
    const delivery = await desk.takeOne()
    expect(await desk.resolved(Promise.race(waits))).toBeFalse()
    await desk.settle(desk.say.success(delivery, "x"))
    for (const ended of await Promise.all(waits))
      expect(ended).toMatchObject({ state: "succeeded", result: "x" })
  },

  "wait answers although the task is not known yet": async ({ results, resolved }) => {
    const ended = results.wait("later", 1e15)
    expect(await resolved(ended)).toBeFalse()
    await results.put([status("other", "succeeded", 1), status("later", "succeeded", 1)])
    expect((await ended)?.id).toBe("later")
  },

  "wait does not end while the task is retried": async (desk) => {
    await desk.store("a")
    const ended = desk.results.wait("a", 1e15)
    await desk.settle(desk.say.retry(await desk.takeOne()))
    expect(await desk.resolved(ended)).toBeFalse()
    await desk.settle(desk.say.burial(await desk.takeOne()))
    expect((await ended)?.state).toBe("failed")
  },

  "wait answers undefined at its end": async ({ results, clock, resolved }) => {
    const ended = results.wait("a", clock.now() + 200)
    expect(await resolved(ended, 100)).toBeFalse()
    expect(await resolved(ended, 150)).toBeTrue()
    expect(await ended).toBeUndefined()
  },

  "wait answers undefined when the signal aborts, before or while it waits": async ({
    results,
    resolved,
  }) => {
    expect(await results.wait("a", 1e15, AbortSignal.abort())).toBeUndefined()
    const stop = new AbortController()
    const ended = results.wait("a", 1e15, stop.signal)
    expect(await resolved(ended)).toBeFalse()
    stop.abort()
    expect(await ended).toBeUndefined()
  },

  "wait answers undefined when the store is closed": async ({ again, resolved }) => {
    const other = await again()
    const ended = other.results.wait("a", 1e15)
    expect(await resolved(ended)).toBeFalse()
    await other.close()
    expect(await ended).toBeUndefined()
  },

  "list gives ended tasks, latest first, at most limit": async ({ results, store }) => {
    await store("still-waiting")
    await results.put([status("b", "failed", 20), status("a", "succeeded", 10), status("c", "cancelled", 30)])
    expect(idsOf(await results.list({ limit: 10 }))).toEqual(["c", "b", "a"])
    expect(idsOf(await results.list({ limit: 2 }))).toEqual(["c", "b"])
  },

  "list filters by state, task, queue and the instant of the end": async ({ results }) => {
    await results.put([
      status("a", "succeeded", 10, { queue: "x" }),
      status("b", "failed", 20, { task: "other" }),
      status("c", "cancelled", 30),
    ])
    const ids = async (filter: object) => idsOf(await results.list({ limit: 10, ...filter }))
    expect(await ids({ states: ["failed", "succeeded"] })).toEqual(["b", "a"])
    expect(await ids({ states: [] })).toEqual([])
    expect(await ids({ task: "other" })).toEqual(["b"])
    expect(await ids({ queue: "x" })).toEqual(["a"])
    expect(await ids({ since: 20 })).toEqual(["c", "b"])
    expect(await ids({ until: 20 })).toEqual(["a"])
    expect(await ids({ since: 10, until: 30, task: "image.resize" })).toEqual(["a"])
  },

  "prune removes what ended before its instant, successes and others each by their own": async ({
    results,
  }) => {
    await results.put([
      ...[status("old-success", "succeeded", 10), status("new-success", "succeeded", 20)],
      ...[status("old-failure", "failed", 10), status("new-failure", "failed", 30)],
      status("old-cancelled", "cancelled", 10),
    ])
    expect(await results.prune({ succeededBefore: 20, otherBefore: 0, max: 10 })).toBe(1)
    expect(await results.prune({ succeededBefore: 0, otherBefore: 30, max: 10 })).toBe(2)
    expect(idsOf(await results.list({ limit: 10 }))).toEqual(["new-failure", "new-success"])
    expect(await results.prune({ succeededBefore: 20, otherBefore: 30, max: 10 })).toBe(0)
  },

  "prune removes at most max, the earliest first, and answers how many": async ({ results }) => {
    await results.put([3, 1, 2].map((at) => status(`end-${at}`, "succeeded", at)))
    const ask = { succeededBefore: 100, otherBefore: 100, max: 2 }
    expect(await results.prune(ask)).toBe(2)
    expect(idsOf(await results.list({ limit: 10 }))).toEqual(["end-3"])
    expect(await results.prune(ask)).toBe(1)
  },

  "of those that ended in one instant too no more is listed or removed than was asked for": async ({
    results,
    inspector,
  }) => {
    await results.put(["a", "b", "c", "d"].map((id) => status(id, "succeeded", 10)))
    await results.forget(["b"])
    expect(idsOf(await results.list({ limit: 2 }))).toHaveLength(2)
    expect(await inspector.ended()).toMatchObject({ succeeded: 3 })
    const ask = { succeededBefore: 11, otherBefore: 11, max: 2 }
    expect(await results.prune(ask)).toBe(2)
    expect(await results.list({ limit: 10 })).toHaveLength(1)
    expect(await inspector.ended()).toMatchObject({ succeeded: 1 })
    await results.put([status("b", "succeeded", 10), status("c", "failed", 20, { token: 9 })])
    expect(await results.prune({ ...ask, otherBefore: 0, max: 10 })).toBeGreaterThan(0)
    expect(await inspector.ended()).toMatchObject({ succeeded: 0 })
  },

  "forget removes the statuses it is given and no other": async ({ results }) => {
    await results.put([status("a", "failed", 10), status("b", "failed", 10)])
    await results.forget(["a", "nobody"])
    expect(idsOf(await results.list({ limit: 10 }))).toEqual(["b"])
  },

  "prune leaves what waits and runs alone": async ({ store, take, results, see }) => {
    await store("a", "b")
    await take(1)
    expect(await results.prune({ succeededBefore: 1e15, otherBefore: 1e15, max: 10 })).toBe(0)
    expect(await see("a")).toMatchObject({ state: "running" })
  },
}

/** Every promise of contracts/results.ts. */
export const examineResults = (candidate: Candidate): void => ask(candidate, "results", resultQuestions)
