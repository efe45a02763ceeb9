import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

/** The six sentences at the top of contracts/broker.ts, and what stands beside reclaim and renew. */
export const leases: Questions = {
  "a token counts how often a task has been leased": async ({ store, takeOne, settle, say }) => {
    await store("a")
    for (const token of [1, 2, 3]) {
      const delivery = await takeOne()
      expect(delivery.lease.token).toBe(token)
      await settle(token === 2 ? say.retry(delivery) : say.release(delivery))
    }
  },

  "a token only grows, through loss, death and replay too": async (desk) => {
    await desk.store("a")
    expect((await desk.takeOne()).lease.token).toBe(1)
    await desk.expireLeases()
    const [reclaimed] = (await desk.reclaim()) as [Delivery]
    expect(reclaimed.lease.token).toBe(2)
    await desk.settle(desk.say.burial(reclaimed))
    await desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }])
    expect((await desk.takeOne()).lease.token).toBe(3)
  },

  "the token is the whole proof of ownership: the holder's name is not asked for": async (desk) => {
    await desk.store("a")
    const { lease, ...rest } = await desk.takeOne()
    const renamed = { ...rest, lease: { ...lease, holder: "somebody else" } }
    expect(await desk.broker.renew([{ lease: renamed.lease }], desk.leaseMs)).toMatchObject([
      { kind: "held" },
    ])
    expect(await desk.settle(desk.say.success(renamed))).toBe("settled")
  },

  "while a lease lives, no reserve and no reclaim returns the task": async (desk) => {
    await desk.store("a")
    await desk.takeOne()
    await desk.advance(desk.leaseMs / 2)
    expect(await desk.take()).toEqual([])
    expect(await desk.reclaim()).toEqual([])
  },

  "when a lease has run out, only reclaim may take the task": async (desk) => {
    await desk.store("a")
    await desk.takeOne()
    await desk.expireLeases()
    expect(await desk.take()).toEqual([])
    expect(idsOf(await desk.reclaim())).toEqual(["a"])
  },

  "of what was taken together each lease ends by itself: settled, renewed, handed back or lost": async (
    desk,
  ) => {
    await desk.store("settled", "renewed", "back", "lost", desk.task("urgent", { priority: 9 }))
    const taken = await desk.take()
    const of = (id: string) => taken.find(({ envelope }) => envelope.id === id) as Delivery
    await desk.advance(desk.leaseMs / 2)
    await desk.broker.renew([{ lease: of("renewed").lease }], desk.leaseMs)
    await desk.settle(desk.say.success(of("settled")))
    await desk.settle(desk.say.release(of("back")))
    await desk.advance(desk.leaseMs / 2 + 1)
    expect(idsOf(await desk.take())).toEqual(["back"])
    expect(idsOf(await desk.reclaim()).toSorted()).toEqual(["lost", "urgent"])
    expect(await desk.reclaim()).toEqual([])
    await desk.advance(desk.leaseMs / 2)
    expect(idsOf(await desk.reclaim())).toEqual(["renewed"])
    await desk.advance(desk.leaseMs / 2 + 1)
    expect(idsOf(await desk.reclaim())).toEqual(["back", "lost", "urgent"])
  },

  "reclaim takes with the next token, at the cost of one attempt, and says so": async (desk) => {
    await desk.store("a")
    const first = await desk.takeOne()
    expect(first).toMatchObject({ attempt: 1, reclaimed: false, replays: [] })
    await desk.expireLeases()
    const [second] = (await desk.reclaim(1, ["default"], "worker-9")) as [Delivery]
    expect(second).toMatchObject({ attempt: 2, reclaimed: true, lease: { token: 2, holder: "worker-9" } })
    expect(second.lease.expiresAt).toBeGreaterThan(desk.clock.now())
    expect(second.envelope).toEqual(first.envelope)
    await desk.settle(desk.say.release(second))
    expect((await desk.takeOne()).attempt).toBe(2)
  },

  "reclaim takes at most max, of the queues it is asked for, the longest lost first": async (desk) => {
    await desk.store(desk.task("a", { queue: "x" }))
    await desk.takeOne(["x"])
    await desk.advance(5)
    await desk.store(desk.task("b", { queue: "x" }), desk.task("c", { queue: "y" }))
    await desk.take(10, ["x", "y"])
    await desk.expireLeases()
    expect(idsOf(await desk.reclaim(1, ["x"]))).toEqual(["a"])
    expect(idsOf(await desk.reclaim(10, ["x"]))).toEqual(["b"])
    expect(idsOf(await desk.reclaim(10, ["x", "y"]))).toEqual(["c"])
  },

  "of tasks that were leased together each keeps a lease of its own": async (desk) => {
    await desk.store("a", "b", "c", "d", "e")
    const [a, b, c] = (await desk.take()) as [Delivery, Delivery, Delivery]
    await desk.settle(desk.say.success(a))
    await desk.advance(desk.leaseMs / 2)
    expect(await desk.broker.renew([{ lease: b.lease }], desk.leaseMs)).toMatchObject([{ kind: "held" }])
    await desk.broker.cancel(["d"], { terminate: false })
    const running = async () =>
      idsOf((await desk.inspector.list({ states: ["running"], limit: 9 })).map(({ envelope }) => envelope))
    expect(await running()).toEqual(["b", "c", "d", "e"])
    expect(await desk.inspector.queues()).toMatchObject([{ running: 4, ready: 0 }])
    await desk.advance(desk.leaseMs / 2 + 1)
    expect(idsOf(await desk.reclaim(1))).toEqual(["c"])
    expect(idsOf(await desk.reclaim())).toEqual(["e"])
    expect((await desk.see("d"))?.state).toBe("cancelled")
    expect(await running()).toEqual(["b", "c", "e"])
    expect(await desk.broker.settle([desk.say.success(b), desk.say.success(c)])).toEqual(["settled", "stale"])
    expect(await desk.inspector.queues()).toMatchObject([{ running: 2 }])
  },

  "a paused queue gives nothing to reclaim": async (desk) => {
    await desk.store("a")
    await desk.takeOne()
    await desk.inspector.pause("default")
    await desk.expireLeases()
    expect(await desk.reclaim()).toEqual([])
    await desk.inspector.resume("default")
    expect(idsOf(await desk.reclaim())).toEqual(["a"])
  },

  "an older token changes nothing and hears stale": async (desk) => {
    await desk.store("a")
    const ghost = await desk.takeOne()
    await desk.expireLeases()
    const [owner] = (await desk.reclaim()) as [Delivery]
    const before = await desk.see("a")
    const progress = { value: 99, at: desk.clock.now() }
    expect(await desk.broker.renew([{ lease: ghost.lease, progress }], 1e6)).toEqual([{ kind: "stale" }])
    const late = [
      desk.say.success(ghost, "ghost", [desk.task("child")]),
      desk.say.burial(ghost),
      desk.say.retry(ghost),
      desk.say.release(ghost),
    ]
    expect(await desk.broker.settle(late)).toEqual(["stale", "stale", "stale", "stale"])
    expect(await desk.see("a")).toEqual(before)
    expect(await desk.see("child")).toBeUndefined()
    expect(await desk.deadLetters.count({})).toBe(0)
    expect(await desk.settle(desk.say.success(owner, "owner"))).toBe("settled")
    expect(await desk.settle(desk.say.success(ghost, "ghost"))).toBe("stale")
    expect((await desk.see("a"))?.result).toBe("owner")
  },

  "a lease ends with its settlement: the same token hears stale ever after": async (desk) => {
    await desk.store("a", "b", "c", "d")
    const [a, b, c, d] = (await desk.take()) as [Delivery, Delivery, Delivery, Delivery]
    const all = [desk.say.success(a), desk.say.burial(b), desk.say.retry(c), desk.say.release(d)]
    expect(await desk.broker.settle(all)).toEqual(["settled", "settled", "settled", "settled"])
    expect(await desk.broker.settle(all)).toEqual(["stale", "stale", "stale", "stale"])
    const renewals = [a, b, c, d].map(({ lease }) => ({ lease }))
    expect(await desk.broker.renew(renewals, 1000)).toEqual(renewals.map(() => ({ kind: "stale" })))
  },

  "a lease that ran out but was not reclaimed may still renew and settle": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    await desk.expireLeases()
    expect(await desk.broker.renew([{ lease: delivery.lease }], desk.leaseMs)).toMatchObject([
      { kind: "held" },
    ])
    await desk.expireLeases()
    expect(await desk.settle(desk.say.success(delivery))).toBe("settled")
    expect(await desk.reclaim()).toEqual([])
  },

  "delivery is at least once: what nobody settles comes again until somebody does": async (desk) => {
    await desk.store("a")
    await desk.takeOne()
    for (const attempt of [2, 3, 4]) {
      await desk.expireLeases()
      expect(await desk.reclaim()).toMatchObject([{ attempt, lease: { token: attempt } }])
    }
  },

  "of two who finish the same task the effects of one happen": async (desk) => {
    await desk.store("a")
    const slow = await desk.takeOne()
    await desk.expireLeases()
    const [quick] = (await desk.reclaim()) as [Delivery]
    const answers = await Promise.all([
      desk.settle(desk.say.success(slow, "slow", [desk.task("child")])),
      desk.settle(desk.say.success(quick, "quick", [desk.task("child")])),
    ])
    expect(answers).toEqual(["stale", "settled"])
    expect((await desk.see("a"))?.result).toBe("quick")
    expect(idsOf(await desk.take())).toEqual(["child"])
  },

  "a lease says how long it holds: from now, at reserve and at renew": async (desk) => {
    await desk.store("a")
    const before = desk.clock.now()
    const { lease } = await desk.takeOne()
    expect(lease.expiresAt).toBeGreaterThanOrEqual(before + desk.leaseMs)
    expect(lease.expiresAt).toBeLessThanOrEqual(desk.clock.now() + desk.leaseMs)
    await desk.advance(desk.leaseMs / 2)
    const [renewed] = await desk.broker.renew([{ lease }], desk.leaseMs * 2)
    expect(renewed).toMatchObject({ kind: "held" })
    if (renewed?.kind !== "held") return
    expect(renewed.expiresAt).toBeGreaterThanOrEqual(lease.expiresAt + desk.leaseMs)
    await desk.expireLeases()
    expect(await desk.reclaim()).toEqual([])
    await desk.expireLeases()
    expect(idsOf(await desk.reclaim())).toEqual(["a"])
  },

  "renew answers in order, each lease for itself": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    await desk.settle(desk.say.success(a))
    const unknown = { ...a.lease, id: "never-heard-of" }
    const answers = await desk.broker.renew(
      [{ lease: a.lease }, { lease: b.lease }, { lease: unknown }],
      1000,
    )
    expect(answers.map(({ kind }) => kind)).toEqual(["stale", "held", "stale"])
  },

  "renew stores the progress it carries, and keeps the last one when it carries none": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    const progress = { value: 0.5, data: { file: "x" }, at: desk.clock.now() }
    await desk.broker.renew([{ lease: delivery.lease, progress }], desk.leaseMs)
    await desk.broker.renew([{ lease: delivery.lease }], desk.leaseMs)
    expect((await desk.see("a"))?.progress).toEqual(progress)
  },
}
