import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

const gently = { terminate: false }

/** cancel: waiting tasks end at once, running ones are asked and never run again. */
export const cancelling: Questions = {
  "a waiting task ends as cancelled at once, and the answer carries the status": async (desk) => {
    await desk.store("a", desk.task("b", { dueIn: 60_000 }), "c")
    await desk.settle(desk.say.retry((await desk.take(1))[0] as Delivery, 60_000))
    const answers = await desk.broker.cancel(["a", "b", "c"], gently)
    expect(answers.map(({ kind }) => kind)).toEqual(["cancelled", "cancelled", "cancelled"])
    expect(await desk.results.get(["a", "b", "c"])).toEqual(answers.map(({ status }) => status))
    expect(answers[0]?.status).toMatchObject({ state: "cancelled", attempt: 1, finishedAt: desk.clock.now() })
    expect(answers[1]?.status).toMatchObject({ state: "cancelled", attempt: 0, token: 0 })
    expect(await desk.take()).toEqual([])
    expect(await desk.deadLetters.count({})).toBe(0)
  },

  "a task that is over answers ended, one that was never there unknown": async (desk) => {
    await desk.kill("dead")
    await desk.store("a")
    await desk.settle(desk.say.success(await desk.takeOne()))
    const answers = await desk.broker.cancel(["a", "dead", "nobody"], gently)
    expect(answers).toEqual([
      { id: "a", kind: "ended" },
      { id: "dead", kind: "ended" },
      { id: "nobody", kind: "unknown" },
    ])
    expect((await desk.see("a"))?.state).toBe("succeeded")
  },

  "an id twice in one call is cancelled once": async (desk) => {
    await desk.store("a")
    expect((await desk.broker.cancel(["a", "a"], gently)).map(({ kind }) => kind)).toEqual([
      "cancelled",
      "ended",
    ])
  },

  "a running task is asked: its worker hears it at its next renew and keeps the lease": async (desk) => {
    await desk.store("a")
    const { lease } = await desk.takeOne()
    expect(await desk.broker.renew([{ lease }], desk.leaseMs)).toEqual([
      { kind: "held", expiresAt: expect.any(Number) },
    ])
    expect(await desk.broker.cancel(["a"], gently)).toEqual([{ id: "a", kind: "asked" }])
    expect((await desk.see("a"))?.state).toBe("running")
    expect(await desk.broker.renew([{ lease }], desk.leaseMs)).toMatchObject([
      { kind: "held", cancel: "abort" },
    ])
  },

  "terminate is heard over abort, and never taken back": async (desk) => {
    await desk.store("a")
    const { lease } = await desk.takeOne()
    for (const terminate of [false, true, false]) await desk.broker.cancel(["a"], { terminate })
    expect(await desk.broker.renew([{ lease }], desk.leaseMs)).toMatchObject([{ cancel: "terminate" }])
  },

  "a marked task that comes back by retry or release ends as cancelled": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    await desk.broker.cancel(["a", "b"], gently)
    expect(await desk.broker.settle([desk.say.retry(a), desk.say.release(b)])).toEqual(["settled", "settled"])
    expect(await desk.results.get(["a", "b"])).toMatchObject([
      { id: "a", state: "cancelled", attempt: 1, token: 1, finishedAt: desk.clock.now() },
      { id: "b", state: "cancelled" },
    ])
    expect(await desk.take()).toEqual([])
    expect(await desk.broker.settle([desk.say.success(a)])).toEqual(["stale"])
  },

  "of a marked task that one batch settles twice the first counts": async (desk) => {
    await desk.store("a")
    const a = await desk.takeOne()
    await desk.broker.cancel(["a"], gently)
    const batch = [desk.say.release(a), desk.say.retry(a), desk.say.burial(a)]
    expect(await desk.broker.settle(batch)).toEqual(["settled", "stale", "stale"])
    expect(await desk.see("a")).toMatchObject({ state: "cancelled" })
    expect(await desk.deadLetters.count({})).toBe(0)
  },

  "a marked task whose lease runs out ends as cancelled and is not delivered": async (desk) => {
    await desk.store("marked", "lost")
    await desk.take()
    await desk.broker.cancel(["marked"], gently)
    await desk.expireLeases()
    expect(idsOf(await desk.reclaim(1))).toEqual(["lost"])
    expect(await desk.see("marked")).toMatchObject({ state: "cancelled", attempt: 1 })
    expect(await desk.reclaim()).toEqual([])
  },

  "a marked task that finishes all the same keeps what it has done": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    await desk.broker.cancel(["a"], gently)
    expect(await desk.settle(desk.say.success(delivery, "done"))).toBe("settled")
    expect(await desk.see("a")).toMatchObject({ state: "succeeded", result: "done" })
  },

  "cancelling wakes those who wait for the result": async (desk) => {
    await desk.store("a")
    const ended = desk.results.wait("a", Number.POSITIVE_INFINITY)
    await desk.broker.cancel(["a"], gently)
    expect(await ended).toMatchObject({ state: "cancelled" })
  },
}
