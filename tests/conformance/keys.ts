import { expect } from "bun:test"
import type { Envelope, Unique } from "../../src/core/task/envelope.ts"
import type { Desk } from "./desk.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

const unique = (
  desk: Desk,
  id: string,
  mode: Unique["mode"],
  wish: Parameters<Desk["task"]>[1] = {},
): Envelope => {
  const forMs = mode === "window" || mode === "throttle" ? { forMs: 500 } : {}
  return desk.task(id, { ...wish, more: { unique: { key: "k", mode, ...forMs }, ...wish.more } })
}

/** Ends a task as a worker does, its key going with it. */
const finish = async (desk: Desk) => desk.settle({ ...desk.say.success(await desk.takeOne()), unique: "k" })

/** Unique keys: a constraint that the store keeps, not a lock that somebody may forget. */
export const keys: Questions = {
  "of one key only one waits or runs, and the other's sender is told which": async (desk) => {
    expect(await desk.store(unique(desk, "a", "live"))).toMatchObject([{ id: "a", kind: "stored" }])
    const second = { id: "a", kind: "duplicate" } as const
    expect(await desk.store(unique(desk, "b", "live"))).toMatchObject([{ ...second, state: "queued" }])
    await desk.takeOne()
    expect(await desk.store(unique(desk, "c", "live"))).toMatchObject([{ ...second, state: "running" }])
    expect(await desk.see("b")).toBeUndefined()
    expect(await desk.see("c")).toBeUndefined()
  },

  "within one call the first of a key is stored": async (desk) => {
    const answers = await desk.store(unique(desk, "a", "live"), desk.task("x"), unique(desk, "b", "live"))
    expect(answers.map(({ id, kind }) => [id, kind])).toEqual([
      ["a", "stored"],
      ["x", "stored"],
      ["a", "duplicate"],
    ])
  },

  "within one call each is stored after the one before it, also where an id comes twice or once more": async (
    desk,
  ) => {
    const answers = await desk.store(
      unique(desk, "a", "replace"),
      desk.task("a"),
      unique(desk, "b", "debounce", { dueIn: 5000 }),
    )
    expect(answers).toMatchObject([
      { id: "a", kind: "stored", state: "queued" },
      { id: "a", kind: "duplicate", state: "queued" },
      { id: "a", kind: "replaced", state: "scheduled" },
    ])
    await desk.advance(5000)
    const { lease } = await desk.takeOne()
    // Its key and its status are left to whoever comes next: the one is still in its name, the other was not wanted.
    await desk.settle({ lease, verdict: { kind: "ack" }, next: [] })
    expect(await desk.store(desk.task("a"), unique(desk, "c", "replace"))).toMatchObject([
      { id: "a", kind: "stored" },
      { id: "a", kind: "replaced" },
    ])
  },

  "a key is free when its task has ended, however it ended": async (desk) => {
    await desk.store(unique(desk, "a", "live"))
    await finish(desk)
    expect(await desk.store(unique(desk, "b", "live"))).toMatchObject([{ id: "b", kind: "stored" }])
    await desk.broker.cancel(["b"], { terminate: false })
    expect(await desk.store(unique(desk, "c", "live"))).toMatchObject([{ id: "c", kind: "stored" }])
    await desk.settle({ ...desk.say.burial(await desk.takeOne()), unique: "k" })
    expect(await desk.store(unique(desk, "d", "live"))).toMatchObject([{ id: "d", kind: "stored" }])
    await desk.inspector.purge("default", 10)
    expect(await desk.store(unique(desk, "e", "live"))).toMatchObject([{ id: "e", kind: "stored" }])
  },

  "a settlement that forgets the key does not leave it taken": async (desk) => {
    await desk.store(unique(desk, "a", "live"))
    await desk.settle(desk.say.success(await desk.takeOne()))
    expect(await desk.store(unique(desk, "b", "live"))).toMatchObject([{ id: "b", kind: "stored" }])
  },

  "a task that is retried or reclaimed keeps its key": async (desk) => {
    await desk.store(unique(desk, "a", "live"))
    await desk.settle(desk.say.retry(await desk.takeOne(), 60_000))
    expect(await desk.store(unique(desk, "b", "live"))).toMatchObject([{ id: "a", state: "retrying" }])
  },

  "an ended task does not free the key that another has by now": async (desk) => {
    await desk.store(unique(desk, "a", "debounce"))
    const a = await desk.takeOne()
    expect(await desk.store(unique(desk, "b", "debounce"))).toMatchObject([{ id: "b", kind: "stored" }])
    await desk.settle({ ...desk.say.success(a), unique: "k" })
    expect(await desk.store(unique(desk, "c", "live"))).toMatchObject([{ id: "b", kind: "duplicate" }])
  },

  "unique for a window: none while one lives, and none for so long after it was sent": async (desk) => {
    await desk.store(unique(desk, "a", "window"))
    await finish(desk)
    expect(await desk.store(unique(desk, "b", "window"))).toMatchObject([
      { id: "a", kind: "duplicate", state: "succeeded" },
    ])
    await desk.advance(501)
    expect(await desk.store(unique(desk, "b", "window"))).toMatchObject([{ id: "b", kind: "stored" }])
    await desk.advance(501)
    expect(await desk.store(unique(desk, "c", "window"))).toMatchObject([{ id: "b", kind: "duplicate" }])
  },

  "throttle: one for each window, whether or not it lives": async (desk) => {
    await desk.store(unique(desk, "a", "throttle"))
    expect(await desk.store(unique(desk, "b", "throttle"))).toMatchObject([{ id: "a", kind: "duplicate" }])
    await desk.advance(501)
    expect(await desk.store(unique(desk, "b", "throttle"))).toMatchObject([{ id: "b", kind: "stored" }])
    expect(idsOf(await desk.take())).toEqual(["a", "b"])
  },

  "debounce: the last one wins and restarts the delay": async (desk) => {
    await desk.store(unique(desk, "a", "debounce", { dueIn: 300, input: 1 }))
    await desk.advance(200)
    expect(await desk.store(unique(desk, "b", "debounce", { dueIn: 300, input: 2 }))).toMatchObject([
      { id: "a", kind: "replaced", state: "scheduled" },
    ])
    await desk.advance(200)
    expect(await desk.take()).toEqual([])
    await desk.advance(101)
    expect((await desk.takeOne()).envelope).toMatchObject({ id: "a", input: 2 })
    expect(await desk.see("b")).toBeUndefined()
  },

  "replace: the last one wins and keeps the instant": async (desk) => {
    await desk.store(unique(desk, "a", "replace", { dueIn: 300, input: 1 }))
    await desk.advance(200)
    const other = { dueIn: 300, input: 2, queue: "other", priority: 9 }
    expect(await desk.store(unique(desk, "b", "replace", other))).toMatchObject([
      { id: "a", kind: "replaced" },
    ])
    await desk.advance(101)
    expect(await desk.take()).toEqual([])
    expect((await desk.takeOne(["other"])).envelope).toMatchObject({ id: "a", input: 2, priority: 9 })
  },

  "keys nobody has any more are forgotten": async (desk) => {
    await desk.store(
      unique(desk, "a", "throttle"),
      desk.task("b", { more: { unique: { key: "gone", mode: "live" } } }),
      desk.task("c", { more: { unique: { key: "kept", mode: "live" } } }),
    )
    const [, b] = await desk.take(2)
    await desk.settle(desk.say.success(b as never))
    const forget = desk.inspector.forgetKeys
    expect(await forget(10)).toBe(1)
    await finish(desk)
    await desk.advance(501)
    expect(await forget(10)).toBeGreaterThanOrEqual(1)
    expect(await forget(10)).toBe(0)
  },
}
