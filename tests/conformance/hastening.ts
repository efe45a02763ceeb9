import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

/** hasten: what waits for a later instant is due now. */
export const hastening: Questions = {
  "a task that waits for later is due now, at no cost and in its order": async (desk) => {
    await desk.store("b", desk.task("a", { dueIn: 60_000 }), desk.task("c", { dueIn: 90_000 }))
    expect(await desk.broker.hasten(["c", "a"])).toEqual(["c", "a"])
    expect(await desk.see("c")).toMatchObject({ state: "queued", dueAt: desk.clock.now(), attempt: 0 })
    const taken = await desk.take()
    expect(idsOf(taken)).toEqual(["b", "a", "c"])
    expect(taken.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  },

  "a task that was handed back or retried for later is hastened, and counted where it was": async (desk) => {
    await desk.store("released", "retried")
    const [released, retried] = (await desk.take()) as [Delivery, Delivery]
    await desk.broker.settle([desk.say.release(released, 60_000), desk.say.retry(retried, 60_000)])
    expect(await desk.broker.hasten(["released", "retried"])).toEqual(["released", "retried"])
    expect(await desk.inspector.queues()).toMatchObject([{ ready: 1, scheduled: 0, retrying: 1 }])
    const taken = await desk.take()
    expect(taken.map(({ lease, attempt }) => [lease.id, attempt])).toEqual([
      ["released", 1],
      ["retried", 2],
    ])
  },

  "what is due, runs, is over or unknown is left alone": async (desk) => {
    await desk.store("running")
    const { lease } = await desk.takeOne()
    await desk.store("due", "over")
    await desk.broker.cancel(["over"], { terminate: false })
    expect(await desk.broker.hasten(["due", "running", "over", "nobody"])).toEqual([])
    expect(await desk.broker.hasten([])).toEqual([])
    expect(await desk.broker.renew([{ lease }], desk.leaseMs)).toMatchObject([{ kind: "held" }])
  },

  "an id twice in one call is hastened once": async (desk) => {
    await desk.store(desk.task("a", { dueIn: 60_000 }))
    expect(await desk.broker.hasten(["a", "a"])).toEqual(["a"])
  },

  "hastening wakes a worker that sleeps, in another opening of the store too": async (desk) => {
    await desk.store(desk.task("a", { dueIn: 60_000 }))
    const other = await desk.again()
    const stop = new AbortController()
    const woken = other.broker.wait(["default"], desk.clock.now() + 60_000, stop.signal)
    expect(await desk.resolved(woken)).toBeFalse()
    await desk.broker.hasten(["a"])
    await woken
    expect(idsOf((await other.broker.reserve(desk.ask(1))).deliveries)).toEqual(["a"])
  },
}
