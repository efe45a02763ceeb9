import { expect } from "bun:test"
import type { Desk } from "./desk.ts"
import type { Questions } from "./exam.ts"

const FOREVER = Number.POSITIVE_INFINITY
const LONG = 3_600_000

/** A wait for one queue, and the controller that ends it. */
function waiting(desk: Desk, until: number, queue = "default") {
  const stop = new AbortController()
  return { stop, woken: desk.broker.wait([queue], until, stop.signal) }
}

/** wakeAt and wait: how an idle worker hears of work without polling. */
export const waking: Questions = {
  "wakeAt is left out when max was taken, or when nothing is there": async ({ store, broker, ask }) => {
    expect(await broker.reserve(ask(5))).toEqual({ deliveries: [] })
    await store("a", "b")
    expect((await broker.reserve(ask(1))).wakeAt).toBeUndefined()
  },

  "wakeAt is when the next scheduled task of these queues becomes due": async (desk) => {
    const soon = desk.task("soon", { dueIn: 5000, priority: 0 })
    await desk.store(desk.task("late", { dueIn: 9000, priority: 9 }), soon)
    await desk.store(desk.task("elsewhere", { dueIn: 1000, queue: "other" }))
    expect((await desk.broker.reserve(desk.ask(5))).wakeAt).toBe(soon.dueAt)
  },

  "wakeAt is when a lease of these queues runs out, if that is earlier": async (desk) => {
    await desk.store("a", desk.task("late", { dueIn: LONG }))
    const { deliveries, wakeAt } = await desk.broker.reserve(desk.ask(5))
    expect(wakeAt).toBe(deliveries[0]?.lease.expiresAt as number)
  },

  "wakeAt lies in the past when reclaim has something to take": async (desk) => {
    await desk.store("a")
    const { lease } = await desk.takeOne()
    await desk.expireLeases()
    expect((await desk.broker.reserve(desk.ask(5))).wakeAt).toBe(lease.expiresAt)
  },

  "wakeAt knows nothing of paused queues": async (desk) => {
    await desk.store("a", desk.task("late", { dueIn: 5000 }))
    await desk.take(1)
    await desk.inspector.pause("default")
    expect(await desk.broker.reserve(desk.ask(5))).toEqual({ deliveries: [] })
  },

  "wait resolves at once when there is something to reserve": async (desk) => {
    await desk.store("a")
    await waiting(desk, FOREVER).woken
  },

  "wait resolves when a task is stored, through another opening of the store too": async (desk) => {
    for (const [at, { broker }] of [desk.driver, await desk.again()].entries()) {
      const { woken } = waiting(desk, FOREVER)
      expect(await desk.resolved(woken)).toBeFalse()
      await broker.enqueue([desk.task(`task-${at}`)])
      await woken
      expect(await desk.take()).toHaveLength(1)
    }
  },

  "wait resolves when a scheduled task becomes due, one stored while it waits too": async (desk) => {
    const { woken } = waiting(desk, FOREVER)
    expect(await desk.resolved(woken)).toBeFalse()
    await desk.store(desk.task("a", { dueIn: 300 }))
    expect(await desk.resolved(woken, 100)).toBeFalse()
    expect(await desk.resolved(woken, 250)).toBeTrue()
  },

  "wait resolves when a task comes back by retry, release, replay or resume": async (desk) => {
    const wakes = async (act: () => Promise<unknown>) => {
      const { woken } = waiting(desk, FOREVER)
      expect(await desk.resolved(woken)).toBeFalse()
      await act()
      await woken
    }
    await desk.store("a")
    let delivery = await desk.takeOne()
    await wakes(() => desk.settle(desk.say.retry(delivery)))
    delivery = await desk.takeOne()
    await wakes(() => desk.settle(desk.say.release(delivery)))
    await desk.settle(desk.say.burial(await desk.takeOne()))
    await wakes(() => desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }]))
    await desk.inspector.pause("default")
    await wakes(() => desk.inspector.resume("default"))
  },

  "wait resolves when what follows from a settlement is stored": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    const { woken } = waiting(desk, FOREVER)
    await desk.settle(desk.say.success(delivery, null, [desk.task("child")]))
    await woken
  },

  "wait resolves at its end": async (desk) => {
    const { woken } = waiting(desk, desk.clock.now() + 200)
    expect(await desk.resolved(woken, 100)).toBeFalse()
    expect(await desk.resolved(woken, 150)).toBeTrue()
  },

  "wait resolves when the signal aborts, before or while it waits": async (desk) => {
    await desk.broker.wait(["default"], FOREVER, AbortSignal.abort())
    const { woken, stop } = waiting(desk, FOREVER)
    expect(await desk.resolved(woken)).toBeFalse()
    stop.abort()
    await woken
  },

  "wait resolves when the store is closed": async (desk) => {
    const other = await desk.again()
    const woken = other.broker.wait(["default"], FOREVER, new AbortController().signal)
    expect(await desk.resolved(woken)).toBeFalse()
    await other.close()
    await woken
  },

  "wait sleeps on while a queue is paused": async (desk) => {
    await desk.store("a")
    await desk.inspector.pause("default")
    const { woken } = waiting(desk, desk.clock.now() + 200)
    expect(await desk.resolved(woken, 100)).toBeFalse()
    expect(await desk.resolved(woken, 150)).toBeTrue()
  },

  "a task stored between a reserve and the wait after it is never missed": async (desk) => {
    const other = await desk.again()
    for (const at of Array.from({ length: 20 }).keys()) {
      const [{ deliveries }] = await Promise.all([
        desk.broker.reserve(desk.ask(1)),
        other.broker.enqueue([desk.task(`task-${at}`)]),
      ])
      if (deliveries.length === 0) await waiting(desk, FOREVER).woken
      else continue
      expect(await desk.take(1)).toHaveLength(1)
    }
  },
}
