import { expect } from "bun:test"
import type { Desk } from "./desk.ts"
import type { Questions } from "./exam.ts"

const notesOf = (desk: Desk) => desk.driver.notes

/** What a run leaves for the runs after it. */
export const notes: Questions = {
  "a note is there for the next attempt, and the first one of a name stays": async (desk) => {
    await desk.store("a")
    const first = await desk.takeOne()
    expect(await notesOf(desk).recall("a", "charge")).toBeUndefined()
    expect(await notesOf(desk).remember(first.lease, "charge", { paid: [1, null, "ü"] })).toBe("settled")
    expect(await notesOf(desk).remember(first.lease, "charge", "another")).toBe("settled")
    expect(await notesOf(desk).remember(first.lease, "nothing", null)).toBe("settled")
    await desk.settle(desk.say.retry(first))
    await desk.takeOne()
    expect(await notesOf(desk).recall("a", "charge")).toEqual({ value: { paid: [1, null, "ü"] } })
    expect(await notesOf(desk).recall("a", "nothing")).toEqual({ value: null })
    expect(await notesOf(desk).recall("b", "charge")).toBeUndefined()
  },

  "a ghost keeps nothing": async (desk) => {
    await desk.store("a")
    const ghost = await desk.takeOne()
    await desk.expireLeases()
    const [winner] = await desk.reclaim()
    expect(await notesOf(desk).remember(ghost.lease, "x", "ghost")).toBe("stale")
    expect(await notesOf(desk).recall("a", "x")).toBeUndefined()
    await desk.settle(desk.say.success(winner as never))
    expect(await notesOf(desk).remember((winner as never as { lease: never }).lease, "x", 1)).toBe("stale")
  },

  "a dead letter keeps its notes for its replay": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    await notesOf(desk).remember(delivery.lease, "x", 1)
    await desk.settle(desk.say.burial(delivery))
    await desk.advance(10)
    expect(await notesOf(desk).prune(desk.clock.now(), 10)).toBe(0)
    await desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }])
    expect(await notesOf(desk).recall("a", "x")).toEqual({ value: 1 })
  },

  "notes of tasks that have ended are forgotten": async (desk) => {
    await desk.store("a", "b")
    const [a, b] = await desk.take()
    for (const of of [a, b]) await notesOf(desk).remember((of as never as { lease: never }).lease, "x", 1)
    await desk.settle(desk.say.success(a as never))
    await desk.advance(10)
    expect(await notesOf(desk).prune(desk.clock.now(), 10)).toBe(1)
    expect(await notesOf(desk).recall("a", "x")).toBeUndefined()
    expect(await notesOf(desk).recall("b", "x")).toEqual({ value: 1 })
  },
}
