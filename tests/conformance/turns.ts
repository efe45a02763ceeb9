import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import type { Desk } from "./desk.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

const fair = (desk: Desk, id: string, key: string, more: { weight?: number; priority?: number } = {}) => {
  const { priority = 5, ...weight } = more
  return desk.task(id, { priority, more: { fair: { key, ...weight } } })
}

const many = (desk: Desk, key: string, count: number, more: { weight?: number; priority?: number } = {}) =>
  Array.from({ length: count }, (_, n) => fair(desk, `${key}${n}`, key, more))

/** Which keys had the turns, in order. */
const keysOf = async (desk: Desk, max: number) =>
  idsOf(await desk.take(max))
    .map((id) => id.replace(/\d+$/, ""))
    .join("")

/** Fair keys: nobody's backlog is in anybody's way. */
export const turns: Questions = {
  "keys take turns, whatever their backlog": async (desk) => {
    await desk.store(...many(desk, "a", 50), ...many(desk, "b", 3))
    expect(await keysOf(desk, 8)).toBe("abababaa")
  },

  "a key that comes anew is next": async (desk) => {
    await desk.store(...many(desk, "z", 50))
    expect(await keysOf(desk, 20)).toBe("z".repeat(20))
    await desk.store(...many(desk, "n", 2))
    expect(await keysOf(desk, 1)).toBe("n")
    expect(await keysOf(desk, 3)).toBe("nzz")
  },

  "a key of twice the weight has twice the turns": async (desk) => {
    await desk.store(...many(desk, "a", 20, { weight: 2 }), ...many(desk, "b", 20))
    const turns = await keysOf(desk, 12)
    expect(turns.replaceAll("b", "")).toHaveLength(8)
  },

  "tasks without a key are a key of their own": async (desk) => {
    await desk.store("p0", "p1", "p2", ...many(desk, "a", 3))
    expect(await keysOf(desk, 6)).toBe("papapa")
  },

  "the higher priority goes first, whoever's turn it is": async (desk) => {
    await desk.store(...many(desk, "a", 2), ...many(desk, "b", 3, { priority: 9 }))
    expect(await keysOf(desk, 5)).toBe("bbbaa")
  },

  "within a key the earlier due goes first": async (desk) => {
    await desk.store(fair(desk, "a1", "a"), fair(desk, "b1", "b"), fair(desk, "a2", "a"))
    expect(idsOf(await desk.take(10))).toEqual(["a1", "b1", "a2"])
  },

  "a task that comes back has its key's turn": async (desk) => {
    await desk.store(...many(desk, "a", 20))
    await desk.store(fair(desk, "b", "b"))
    const [, b] = await desk.take(2)
    await desk.settle(desk.say.retry(b as never))
    expect(idsOf(await desk.take(2))).toContain("b")
  },

  "what is scheduled has no turn before it is due": async (desk) => {
    await desk.store(fair(desk, "a1", "a"))
    await desk.store(desk.task("b1", { dueIn: 300, more: { fair: { key: "b" } } }))
    expect(idsOf(await desk.take(10))).toEqual(["a1"])
    await desk.advance(301)
    expect(idsOf(await desk.take(10))).toEqual(["b1"])
  },

  "when nobody waits all are equal again": async (desk) => {
    await desk.store(...many(desk, "b", 3))
    expect(await keysOf(desk, 10)).toBe("bbb")
    await desk.store(fair(desk, "b9", "b"), fair(desk, "a9", "a"))
    expect(await keysOf(desk, 2)).toBe("ab")
  },

  "a key whose tasks were cancelled has no turn, and is in nobody's way": async (desk) => {
    await desk.store(...many(desk, "a", 2), ...many(desk, "b", 3), ...many(desk, "c", 3))
    expect(await keysOf(desk, 1)).toBe("a")
    await desk.broker.cancel(["b0", "b1", "b2"], { terminate: false })
    expect(await keysOf(desk, 2)).toBe("ca")
    expect(await keysOf(desk, 9)).toBe("cc")
  },

  "when only cancelled tasks are left behind, all are equal again": async (desk) => {
    await desk.store(...many(desk, "a", 2), ...many(desk, "b", 2))
    expect(await keysOf(desk, 2)).toBe("ab")
    await desk.broker.cancel(["b1"], { terminate: false })
    expect(await keysOf(desk, 1)).toBe("a")
    await desk.store(fair(desk, "b9", "b"), fair(desk, "a9", "a"))
    expect(await keysOf(desk, 2)).toBe("ab")
  },

  "of keys that have spent the same the first by code point is next": async (desk) => {
    await desk.store(...["\u{1f600}", "\uff5e", "b", "Z"].map((key, n) => fair(desk, `t${n}`, key)))
    expect(idsOf(await desk.take(4))).toEqual(["t3", "t2", "t1", "t0"])
  },

  "tasks that have no key take turns though they came before there was one": async (desk) => {
    await desk.store("p0", "p1", "p2")
    const [first] = (await desk.take(1)) as [Delivery]
    await desk.store(...many(desk, "a", 3))
    await desk.settle(desk.say.retry(first))
    expect(await keysOf(desk, 9)).toBe("papapa")
  },
}
