import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import { endOf, failure } from "../support/settlements.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

/** settle: every way a run can end. */
export const settling: Questions = {
  "a settlement closes the lease, writes the status and enqueues what follows": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    const next = [desk.task("a/1"), desk.task("a/2", { dueIn: 60_000 })]
    const settlement = desk.say.success(delivery, { width: 7 }, next)
    expect(await desk.settle(settlement)).toBe("settled")
    expect(await desk.results.get(["a"])).toEqual([settlement.status])
    expect(await desk.inspector.find(["a"])).toEqual([undefined])
    expect((await desk.see("a/2"))?.state).toBe("scheduled")
    expect(idsOf(await desk.take())).toEqual(["a/1"])
  },

  "what follows twice is stored once": async (desk) => {
    await desk.store("a", "b", "child")
    const [a, b] = (await desk.take(2)) as [Delivery, Delivery]
    await desk.broker.settle([
      desk.say.success(a, null, [desk.task("child"), desk.task("grandchild")]),
      desk.say.success(b, null, [desk.task("grandchild")]),
    ])
    expect(idsOf(await desk.take())).toEqual(["child", "grandchild"])
  },

  "a batch is not one transaction: answers come in order, each for itself": async (desk) => {
    await desk.store("a", "b", "c")
    const [a, b, c] = (await desk.take()) as [Delivery, Delivery, Delivery]
    await desk.settle(desk.say.success(b))
    const batch = [desk.say.success(a), desk.say.success(b), desk.say.burial(c), desk.say.success(a)]
    expect(await desk.broker.settle(batch)).toEqual(["settled", "stale", "settled", "stale"])
    expect((await desk.see("a"))?.state).toBe("succeeded")
    expect((await desk.see("c"))?.state).toBe("failed")
  },

  "a status that was put while the task ran gives way, unless it is of a later token": async (desk) => {
    await desk.store("a", "b", "c")
    const all = (await desk.take()) as [Delivery, Delivery, Delivery]
    const put = (delivery: Delivery, token: number) => ({ ...endOf(delivery, "failed", 1), token })
    const later = put(all[1], 9)
    await desk.results.put([put(all[0], 1), later])
    const settlements = all.map((delivery) => desk.say.success(delivery))
    expect(await desk.broker.settle(settlements)).toEqual(["settled", "settled", "settled"])
    const [a, , c] = settlements.map(({ status }) => status)
    expect(await desk.results.get(["a", "b", "c"])).toEqual([a, later, c])
    expect(await desk.inspector.find(["a", "b", "c"])).toEqual([undefined, undefined, undefined])
  },

  "of a settlement that hears stale nothing lands": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    const lease = { ...delivery.lease, id: "never" }
    const status = endOf({ ...delivery, lease, envelope: desk.task("never") }, "failed", 1)
    const verdict = { kind: "bury", reason: failure() } as const
    expect(await desk.settle({ lease, verdict, status, next: [desk.task("child")] })).toBe("stale")
    expect(await desk.results.get(["never"])).toEqual([undefined])
    expect(await desk.see("child")).toBeUndefined()
    expect(await desk.deadLetters.get("never")).toBeUndefined()
  },

  "a lease of a task that is over says nothing about another that was stored under its id": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    const ended = { lease: a.lease, verdict: { kind: "ack" as const }, next: [] }
    expect(await desk.settle(ended)).toBe("settled")
    await desk.store("a")
    expect(await desk.settle(ended)).toBe("stale")
    expect(await desk.broker.renew([{ lease: a.lease }], 1000)).toEqual([{ kind: "stale" }])
    expect(await desk.see("a")).toMatchObject({ state: "queued", attempt: 0 })
    expect(await desk.settle(desk.say.success(b))).toBe("settled")
    expect(await desk.settle(desk.say.success(await desk.takeOne()))).toBe("settled")
  },

  "retry costs an attempt, keeps the error and waits until its instant": async (desk) => {
    await desk.store("a")
    const first = await desk.takeOne()
    const at = desk.clock.now() + 500
    const reason = failure("no luck", { code: "E1", cause: failure("deeper") })
    await desk.settle({ lease: first.lease, verdict: { kind: "retry", at, reason }, next: [] })
    expect(await desk.see("a")).toMatchObject({ state: "retrying", attempt: 1, error: reason, dueAt: at })
    expect(await desk.take()).toEqual([])
    await desk.advance(501)
    expect(await desk.see("a")).toMatchObject({ state: "retrying" })
    expect(await desk.takeOne()).toMatchObject({ attempt: 2, reclaimed: false, lease: { token: 2 } })
    expect(await desk.see("a")).toMatchObject({ state: "running", attempt: 2, error: reason })
  },

  "release costs no attempt, and a task never tried before is queued again": async (desk) => {
    await desk.store("a")
    await desk.settle(desk.say.release(await desk.takeOne(), 300))
    expect(await desk.see("a")).toMatchObject({ state: "scheduled", attempt: 0 })
    await desk.advance(301)
    expect(await desk.see("a")).toMatchObject({ state: "queued" })
    expect(await desk.takeOne()).toMatchObject({ attempt: 1, lease: { token: 2 } })
  },

  "a task handed back keeps its place among those due at the same instant": async (desk) => {
    await desk.store("a", "b")
    const [a] = (await desk.take(1)) as [Delivery]
    await desk.settle({ lease: a.lease, verdict: { kind: "release", at: a.envelope.dueAt }, next: [] })
    expect(idsOf(await desk.take())).toEqual(["a", "b"])
  },

  "bury keeps the task whole among the dead letters, with what killed it": async (desk) => {
    await desk.store(desk.task("a", { input: { n: 1 }, queue: "media" }))
    await desk.settle(desk.say.retry(await desk.takeOne(["media"])))
    const delivery = await desk.takeOne(["media"])
    const reason = failure("hopeless", { code: "E9" })
    await desk.settle(desk.say.burial(delivery, reason))
    expect(await desk.deadLetters.get("a")).toEqual({
      ...{ id: "a", task: "image.resize", queue: "media", error: reason, attempts: 2, replays: [] },
      ...{ diedAt: expect.any(Number), envelope: delivery.envelope },
    })
    expect(await desk.see("a")).toMatchObject({ state: "failed", attempt: 2, error: reason })
    expect(await desk.take(10, ["media"])).toEqual([])
  },

  "a settlement without a status writes none, for results that live elsewhere": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    await desk.settle({ lease: a.lease, verdict: { kind: "ack" }, next: [] })
    await desk.settle({ lease: b.lease, verdict: { kind: "bury", reason: failure() }, next: [] })
    expect(await desk.results.get(["a", "b"])).toEqual([undefined, undefined])
    expect(await desk.inspector.find(["a", "b"])).toEqual([undefined, undefined])
    expect((await desk.deadLetters.get("b"))?.id).toBe("b")
    expect(await desk.reclaim()).toEqual([])
  },

  "an expired or cancelled run ends with the status it was given": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    const ends = [endOf(a, "expired", 5), endOf(b, "cancelled", 6)] as const
    await desk.settle({ lease: a.lease, verdict: { kind: "ack" }, status: ends[0], next: [] })
    await desk.settle({ lease: b.lease, verdict: { kind: "ack" }, status: ends[1], next: [] })
    expect(await desk.results.get(["a", "b"])).toEqual([...ends])
  },

  "the progress last seen stays in the final status that has none of its own": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    const progress = { value: 3, data: "half way", at: desk.clock.now() }
    const renewals = [a, b].map(({ lease }) => ({ lease, progress }))
    await desk.broker.renew(renewals, desk.leaseMs)
    await desk.settle(desk.say.success(a))
    const own = { value: 9, at: 9 }
    const status = endOf(b, "succeeded", 1, { progress: own })
    await desk.settle({ ...desk.say.success(b), status })
    expect((await desk.see("a"))?.progress).toEqual(progress)
    expect((await desk.see("b"))?.progress).toEqual(own)
  },

  "results as large as they may be come out as they went in": async (desk) => {
    await desk.store(desk.task("a", { input: "x".repeat(500_000) }))
    const delivery = await desk.takeOne()
    expect(delivery.envelope.input).toBe("x".repeat(500_000))
    await desk.settle(desk.say.success(delivery, "ü".repeat(500_000)))
    expect((await desk.see("a"))?.result).toBe("ü".repeat(500_000))
  },
}
