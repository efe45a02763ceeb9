import { expect } from "bun:test"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

/** enqueue, and the order in which reserve gives out what it stored. */
export const intake: Questions = {
  "enqueue answers each envelope in order, with the state it has now": async ({ store, task }) => {
    expect(await store("a", task("b", { dueIn: 60_000 }), "c")).toEqual([
      { id: "a", kind: "stored", state: "queued" },
      { id: "b", kind: "stored", state: "scheduled" },
      { id: "c", kind: "stored", state: "queued" },
    ])
  },

  "enqueue of nothing stores nothing": async ({ store, inspector }) => {
    expect(await store()).toEqual([])
    expect(await inspector.queues()).toEqual([])
  },

  "an envelope comes out as it went in, unknown fields and all": async ({ store, task, takeOne }) => {
    const sent = task("a", {
      input: { deep: [1, { text: "grüße 🦊 \u0000 end", none: null }] },
      parent: "p",
      more: {
        headers: { traceparent: "00-1" },
        retry: { max: 7 },
        timeLimits: { hardMs: 5 },
        then: [{ ...task("next"), futureField: true }],
        futureField: { kept: [1] },
      },
    })
    await store(sent)
    const { envelope } = await takeOne()
    expect(envelope).toEqual(sent)
    expect(Object.isFrozen(envelope)).toBeTrue()
    expect(Object.isFrozen((envelope.input as { deep: unknown }).deep)).toBeTrue()
  },

  "an id that is live is a duplicate, changes nothing and answers its state": async (desk) => {
    await desk.store(desk.task("a", { input: "first" }))
    expect(await desk.store(desk.task("a", { input: "second", queue: "other" }))).toEqual([
      { id: "a", kind: "duplicate", state: "queued" },
    ])
    const delivery = await desk.takeOne()
    expect(delivery.envelope.input).toBe("first")
    expect(await desk.store("a")).toMatchObject([{ kind: "duplicate", state: "running" }])
    await desk.settle(desk.say.retry(delivery, 60_000))
    expect(await desk.store("a")).toMatchObject([{ kind: "duplicate", state: "retrying" }])
    expect(await desk.take(10, ["other"])).toEqual([])
  },

  "an id twice in one call is stored once": async ({ store, take }) => {
    expect(await store("a", "a")).toMatchObject([{ kind: "stored" }, { kind: "duplicate", state: "queued" }])
    expect(await take()).toHaveLength(1)
  },

  "an id that has ended is a duplicate and does not run again": async (desk) => {
    await desk.store("a", "b")
    for (const delivery of await desk.take()) await desk.settle(desk.say.success(delivery))
    expect(await desk.store("a")).toEqual([{ id: "a", kind: "duplicate", state: "succeeded" }])
    await desk.kill("dead")
    expect(await desk.store("dead")).toEqual([{ id: "dead", kind: "duplicate", state: "failed" }])
    expect(await desk.take()).toEqual([])
  },

  "an id among the dead letters is a duplicate although its status is gone": async (desk) => {
    await desk.kill("dead")
    const later = desk.clock.now() + 60_000
    await desk.results.prune({ succeededBefore: later, otherBefore: later, max: 10 })
    expect(await desk.store("dead")).toEqual([{ id: "dead", kind: "duplicate", state: "failed" }])
  },

  "an id that the store has forgotten may be used again": async (desk) => {
    await desk.store("a")
    await desk.settle(desk.say.success(await desk.takeOne()))
    const later = desk.clock.now() + 60_000
    await desk.results.prune({ succeededBefore: later, otherBefore: later, max: 10 })
    expect(await desk.store("a")).toEqual([{ id: "a", kind: "stored", state: "queued" }])
    expect(idsOf(await desk.take())).toEqual(["a"])
  },

  "enqueues at the same moment store every task once": async (desk) => {
    const other = await desk.again()
    const ids = Array.from({ length: 40 }, (_, at) => `task-${at}`)
    const halves = [desk.broker, other.broker].flatMap((broker) =>
      ids.map(async (id) => (await broker.enqueue([desk.task(id)]))[0]?.kind),
    )
    const kinds = await Promise.all(halves)
    expect(kinds.filter((kind) => kind === "stored")).toHaveLength(40)
    expect([...idsOf(await desk.take())].sort()).toEqual([...ids].sort())
  },

  "reserve takes earlier queues of its list first, whatever the priorities": async ({
    store,
    task,
    take,
  }) => {
    await store(task("low", { queue: "y", priority: 9 }), task("high", { queue: "x", priority: 0 }))
    expect(idsOf(await take(1, ["x", "y"]))).toEqual(["high"])
    expect(idsOf(await take(1, ["x", "y"]))).toEqual(["low"])
  },

  "reserve takes the higher priority first, then the earlier due, then the earlier stored": async (desk) => {
    const { task, store, take, advance } = desk
    await store(
      task("5-later", { dueIn: 20 }),
      task("5-first", { dueIn: 10 }),
      task("5-second", { dueIn: 10 }),
    )
    await store(task("0", { priority: 0 }), task("9-later", { priority: 9, dueIn: 30 }))
    await store(task("9", { priority: 9 }), task("5-third", { dueIn: 10 }))
    await advance(40)
    const order = ["9", "9-later", "5-first", "5-second", "5-third", "5-later", "0"]
    expect(idsOf(await take(3))).toEqual(order.slice(0, 3))
    expect(idsOf(await take(10))).toEqual(order.slice(3))
  },

  "a high priority that has become due goes before a thousand lower ones": async (desk) => {
    const many = Array.from({ length: 1000 }, (_, at) => desk.task(`low-${at}`, { dueIn: 5 }))
    await desk.store(...many, desk.task("high", { priority: 9, dueIn: 20 }))
    await desk.advance(30)
    expect(idsOf(await desk.take(1))).toEqual(["high"])
  },

  "reserve takes at most max, and only of the queues it is asked for": async ({ store, task, take }) => {
    await store("a", "b", "c", task("other", { queue: "other" }))
    expect(idsOf(await take(2))).toEqual(["a", "b"])
    expect(idsOf(await take(2))).toEqual(["c"])
    expect(await take(2, ["never-heard-of"])).toEqual([])
    expect(await take(2, [])).toEqual([])
  },

  "a queue named twice gives each task once": async ({ store, take }) => {
    await store("a", "b")
    expect(idsOf(await take(10, ["default", "default"]))).toEqual(["a", "b"])
  },

  "two who reserve at once never get the same task": async (desk) => {
    const other = await desk.again()
    await desk.store(...Array.from({ length: 100 }, (_, at) => `task-${at}`))
    const taken = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        (at % 2 ? other.broker : desk.broker).reserve({ ...desk.ask(10), holder: `w${at}` }),
      ),
    )
    const ids = taken.flatMap(({ deliveries }) => idsOf(deliveries))
    expect(ids).toHaveLength(100)
    expect(new Set(ids).size).toBe(100)
  },

  "nothing is given out before it is due, and everything from then on": async (desk) => {
    await desk.store(desk.task("a", { dueIn: 200 }))
    await desk.advance(100)
    expect(await desk.take()).toEqual([])
    expect((await desk.see("a"))?.state).toBe("scheduled")
    await desk.advance(100)
    expect((await desk.see("a"))?.state).toBe("queued")
    expect(idsOf(await desk.take())).toEqual(["a"])
  },

  "a stored task that can not be read is buried at once, kept raw": async (desk) => {
    await desk.store("good", "bad", "also-good")
    await desk.damage("bad", '{"v":1,"half of')
    expect(idsOf(await desk.take(2))).toEqual(["good", "also-good"])
    const letter = await desk.deadLetters.get("bad")
    expect(letter).toMatchObject({ id: "bad", queue: "default", raw: '{"v":1,"half of', attempts: 0 })
    expect(letter?.error.code).toBe("malformed_envelope")
    expect(letter?.envelope).toBeUndefined()
    expect(await desk.see("bad")).toMatchObject({ id: "bad", state: "failed" })
    expect(await desk.deadLetters.replay([{ id: "bad", dueAt: 0 }])).toEqual([])
  },

  "JSON that is no envelope is buried like text that is no JSON": async (desk) => {
    await desk.store("bad")
    await desk.damage("bad", '{"v":2,"id":"bad"}')
    expect(await desk.take()).toEqual([])
    expect(await desk.deadLetters.get("bad")).toMatchObject({ raw: '{"v":2,"id":"bad"}' })
  },
}
