import { expect } from "bun:test"
import type { Arrival, Group } from "../../src/core/task/group.ts"
import type { Delivery } from "../../src/core/task/lease.ts"
import { failure } from "../support/settlements.ts"
import type { Desk } from "./desk.ts"
import { idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

const groupsOf = (desk: Desk) => desk.driver.groups

/** A group of so many, with a body and a callback for when it breaks. */
const groupOf = (desk: Desk, id: string, size: number, more: Partial<Group> = {}): Group => ({
  ...{ v: 1, id, size, openedAt: desk.clock.now() },
  body: desk.task(`${id}:body`, { more: { gathers: { group: id, what: "results" } } }),
  broken: [desk.task(`${id}:broken`, { more: { gathers: { group: id, what: "failures" } } })],
  ...more,
})

const member = (desk: Desk, group: string, index: number, more: Record<string, unknown> = {}) =>
  desk.task(`${group}:${index}`, { more: { group: { group, index }, ...more } })

const members = (desk: Desk, group: string, count: number) =>
  Array.from({ length: count }, (_, index) => member(desk, group, index))

const arrival = ({ envelope }: Delivery, result: unknown = null): Arrival => ({
  ...(envelope.group as { group: string; index: number }),
  ...{ id: envelope.id, ok: true, result },
})

const absence = ({ envelope }: Delivery): Arrival => ({
  ...(envelope.group as { group: string; index: number }),
  ...{ id: envelope.id, ok: false, error: failure("no good") },
})

const succeed = (desk: Desk, of: Delivery, result: unknown = null) =>
  desk.settle({ ...desk.say.success(of, result), arrive: arrival(of, result) })

const fail = (desk: Desk, of: Delivery) => desk.settle({ ...desk.say.burial(of), arrive: absence(of) })

const factsOf = async (desk: Desk, id = "g") => (await groupsOf(desk).get([id]))[0]

/** How many of these tasks there are, live or ended. */
const sent = async (desk: Desk, ...ids: readonly string[]) =>
  (await Promise.all(ids.map((id) => desk.see(id)))).filter((status) => status !== undefined).length

/** What a group promises, whatever ends its members. */
export const groups: Questions = {
  "the last arrival sends the body, due then": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    const [first, second] = (await desk.take()) as [Delivery, Delivery]
    await desk.advance(50)
    await succeed(desk, second, "two")
    expect(await factsOf(desk)).toMatchObject({ state: "open", arrived: 1, failed: 0, size: 2 })
    expect(await desk.take()).toEqual([])
    await succeed(desk, first, { n: 1 })
    expect(await factsOf(desk)).toMatchObject({ state: "complete", arrived: 2, endedAt: expect.any(Number) })
    const body = await desk.takeOne()
    expect(body.envelope).toMatchObject({ id: "g:body", gathers: { group: "g", what: "results" } })
    expect(await groupsOf(desk).arrivals("g", 0, 10)).toEqual([
      { group: "g", index: 0, id: "g:0", ok: true, result: { n: 1 } },
      { group: "g", index: 1, id: "g:1", ok: true, result: "two" },
    ])
    expect(await sent(desk, "g:broken")).toBe(0)
  },

  "a group of no members is complete at once": async (desk) => {
    await desk.broker.enqueue([], [groupOf(desk, "g", 0)])
    expect(await factsOf(desk)).toMatchObject({ state: "complete", arrived: 0 })
    expect(idsOf(await desk.take())).toEqual(["g:body"])
  },

  "the first failure too many sends what was to be sent then, once": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 4), [groupOf(desk, "g", 4, { tolerate: 1 })])
    const [a, b, c, d] = (await desk.take()) as [Delivery, Delivery, Delivery, Delivery]
    await fail(desk, a)
    expect(await factsOf(desk)).toMatchObject({ state: "open", arrived: 1, failed: 1 })
    await fail(desk, b)
    expect(await factsOf(desk)).toMatchObject({ state: "broken", failed: 2 })
    expect(idsOf(await desk.take())).toEqual(["g:broken"])
    await fail(desk, c)
    await succeed(desk, d)
    expect(await factsOf(desk)).toMatchObject({ state: "broken", arrived: 4, failed: 3 })
    expect(await desk.take()).toEqual([])
    expect(await sent(desk, "g:body")).toBe(0)
  },

  "a group that tolerates failures is complete with them": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2, { tolerate: 2 })])
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    await fail(desk, a)
    await succeed(desk, b, 7)
    expect(idsOf(await desk.take())).toEqual(["g:body"])
    expect(await groupsOf(desk).arrivals("g", 0, 10)).toMatchObject([
      { index: 0, ok: false, error: { name: "TypeError", message: "no good" } },
      { index: 1, ok: true, result: 7 },
    ])
  },

  "two last members in one batch send one body": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 3), [groupOf(desk, "g", 3)])
    const all = await desk.take()
    await desk.broker.settle(all.map((of) => ({ ...desk.say.success(of), arrive: arrival(of) })))
    expect(await factsOf(desk)).toMatchObject({ state: "complete", arrived: 3 })
    expect(idsOf(await desk.take())).toEqual(["g:body"])
  },

  "two last members that end at the same time elsewhere send one body": async (desk) => {
    const other = await desk.again()
    for (let round = 0; round < 10; round++) {
      const id = `g${round}`
      await desk.broker.enqueue(members(desk, id, 2), [groupOf(desk, id, 2)])
      const [a, b] = (await desk.take()) as [Delivery, Delivery]
      await Promise.all([
        desk.broker.settle([{ ...desk.say.success(a), arrive: arrival(a) }]),
        other.broker.settle([{ ...desk.say.success(b), arrive: arrival(b) }]),
      ])
      const body = await desk.takeOne()
      expect(body.envelope.id).toBe(`${id}:body`)
      await desk.settle(desk.say.success(body))
    }
    await other.close()
  },

  "of a settlement that hears stale nothing arrives": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 1), [groupOf(desk, "g", 1)])
    const ghost = await desk.takeOne()
    await desk.expireLeases()
    const [winner] = (await desk.reclaim()) as [Delivery]
    expect(await succeed(desk, ghost, "ghost")).toBe("stale")
    expect(await factsOf(desk)).toMatchObject({ state: "open", arrived: 0 })
    await succeed(desk, winner, "winner")
    expect(await groupsOf(desk).arrivals("g", 0, 1)).toMatchObject([{ result: "winner" }])
  },

  "members may arrive before their group is opened": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2))
    for (const of of await desk.take()) await succeed(desk, of)
    expect(await factsOf(desk)).toBeUndefined()
    await desk.broker.enqueue([], [groupOf(desk, "g", 2)])
    expect(idsOf(await desk.take())).toEqual(["g:body"])
  },

  "a group that is opened twice is one": async (desk) => {
    await desk.broker.enqueue([], [groupOf(desk, "g", 0)])
    await desk.broker.enqueue([], [groupOf(desk, "g", 5)])
    expect(await factsOf(desk)).toMatchObject({ size: 0, state: "complete" })
    expect(idsOf(await desk.take())).toEqual(["g:body"])
  },

  "a settlement opens groups": async (desk) => {
    await desk.store("a")
    const a = await desk.takeOne()
    const opens = [groupOf(desk, "g", 1), groupOf(desk, "empty", 0)]
    await desk.settle({ ...desk.say.success(a, null, members(desk, "g", 1)), opens })
    const taken = await desk.take()
    expect([...idsOf(taken)].sort()).toEqual(["empty:body", "g:0"])
    await succeed(desk, taken.find(({ envelope }) => envelope.id === "g:0") as Delivery)
    expect(idsOf(await desk.take())).toEqual(["g:body"])
  },

  "a member that is cancelled while it waits breaks its group": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    await desk.broker.cancel(["g:1"], { terminate: false })
    expect(await factsOf(desk)).toMatchObject({ state: "broken", arrived: 1, failed: 1 })
    expect([...idsOf(await desk.take())].sort()).toEqual(["g:0", "g:broken"])
    expect(await groupsOf(desk).arrivals("g", 0, 9)).toMatchObject([
      { index: 1, id: "g:1", ok: false, error: { code: "cancelled" } },
    ])
  },

  "a member and what its end sends can be cancelled in one call, in that order": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    const ids = ["nobody", "g:1", "g:broken", "g:0", "g:broken", "no-one"]
    const answers = await desk.broker.cancel(ids, { terminate: false })
    expect(answers.map(({ id, kind }) => [id, kind])).toEqual([
      ["nobody", "unknown"],
      ["g:1", "cancelled"],
      ["g:broken", "cancelled"],
      ["g:0", "cancelled"],
      ["g:broken", "ended"],
      ["no-one", "unknown"],
    ])
    expect(await desk.take()).toEqual([])
  },

  "a member that is cancelled while it runs breaks its group when it comes back": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 3), [groupOf(desk, "g", 3, { tolerate: 1 })])
    const [a, b, c] = (await desk.take()) as [Delivery, Delivery, Delivery]
    await desk.broker.cancel(["g:0", "g:1"], { terminate: false })
    await desk.settle(desk.say.retry(a))
    expect(await factsOf(desk)).toMatchObject({ state: "open", failed: 1 })
    await succeed(desk, c)
    await desk.expireLeases()
    await desk.reclaim()
    expect(b.envelope.id).toBe("g:1")
    expect(await factsOf(desk)).toMatchObject({ state: "broken", failed: 2, arrived: 3 })
  },

  "a member whose chain goes on arrives with its last link, and fails for it": async (desk) => {
    const last = member(desk, "g", 0)
    const chained = desk.task("first", { more: { then: [last] } })
    await desk.broker.enqueue([chained, member(desk, "g", 1)], [groupOf(desk, "g", 2)])
    await desk.broker.cancel(["first"], { terminate: false })
    expect(await groupsOf(desk).arrivals("g", 0, 9)).toMatchObject([{ index: 0, id: "first", ok: false }])
    expect(await factsOf(desk)).toMatchObject({ state: "broken" })
  },

  "a purged queue breaks the groups of what it held": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    expect(await desk.inspector.purge("default", 10)).toBe(2)
    expect(await factsOf(desk)).toMatchObject({ state: "broken", arrived: 2, failed: 2 })
    expect(idsOf(await desk.take())).toEqual(["g:broken"])
  },

  "a member that can not be read any more breaks its group, where its place can": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    await desk.damage("g:1", JSON.stringify({ v: 1, id: "g:1", group: { group: "g", index: 1 } }))
    expect([...idsOf(await desk.take())].sort()).toEqual(["g:0"])
    expect(await factsOf(desk)).toMatchObject({ state: "broken", arrived: 1, failed: 1 })
    expect(await groupsOf(desk).arrivals("g", 0, 9)).toMatchObject([
      { index: 1, id: "g:1", ok: false, error: { code: "malformed_envelope" } },
    ])
    expect(idsOf(await desk.take())).toEqual(["g:broken"])
  },

  "a member's dead letter is replayed alone": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 1), [groupOf(desk, "g", 1)])
    await fail(desk, await desk.takeOne())
    await desk.settle(desk.say.success(await desk.takeOne()))
    expect(await desk.deadLetters.replay([{ id: "g:0", dueAt: desk.clock.now() }])).toEqual(["g:0"])
    const again = await desk.takeOne()
    expect(again.envelope.group).toBeUndefined()
    await desk.settle(desk.say.success(again))
    expect(await factsOf(desk)).toMatchObject({ state: "broken", failed: 1 })
    expect(await sent(desk, "g:body")).toBe(0)
  },

  "a member's dead letter that rejoins takes the place of its failure": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 2), [groupOf(desk, "g", 2)])
    const [a, b] = (await desk.take()) as [Delivery, Delivery]
    await succeed(desk, a, 1)
    await fail(desk, b)
    expect(idsOf(await desk.take())).toEqual(["g:broken"])
    await desk.deadLetters.replay([{ id: "g:1", dueAt: desk.clock.now(), rejoin: true }])
    await succeed(desk, await desk.takeOne(), 2)
    expect(await factsOf(desk)).toMatchObject({ state: "complete", arrived: 2, failed: 0 })
    expect(idsOf(await desk.take())).toEqual(["g:body"])
    expect(await groupsOf(desk).arrivals("g", 0, 9)).toMatchObject([{ result: 1 }, { ok: true, result: 2 }])
  },

  "arrivals are read in pages, in order": async (desk) => {
    await desk.broker.enqueue(members(desk, "g", 25), [groupOf(desk, "g", 25)])
    for (const of of (await desk.take()).toReversed()) await succeed(desk, of, of.envelope.group?.index)
    const pages = await Promise.all([0, 10, 20].map((from) => groupsOf(desk).arrivals("g", from, 10)))
    expect(pages.flat().map(({ result }) => result)).toEqual(Array.from({ length: 25 }, (_, n) => n))
  },

  "groups are listed, the latest opened first, and unknown ones are not known": async (desk) => {
    await desk.broker.enqueue([], [groupOf(desk, "old", 1)])
    await desk.advance(5)
    await desk.broker.enqueue([], [groupOf(desk, "new", 1)])
    expect(idsOf(await groupsOf(desk).list(10))).toEqual(["new", "old"])
    expect(idsOf(await groupsOf(desk).list(1))).toEqual(["new"])
    expect(await groupsOf(desk).get(["never", "old"])).toMatchObject([undefined, { id: "old" }])
    expect(await groupsOf(desk).sweep(100)).toEqual([])
  },

  "ended groups are forgotten, and open ones are not": async (desk) => {
    await desk.broker.enqueue(
      [...members(desk, "g", 1), ...members(desk, "lost", 1)],
      [groupOf(desk, "g", 1)],
    )
    await desk.broker.enqueue([], [groupOf(desk, "open", 1)])
    for (const of of await desk.take()) await succeed(desk, of)
    const before = desk.clock.now() + 1
    await desk.advance(10)
    expect(await groupsOf(desk).prune(before - 1000, 10)).toBe(0)
    expect(await groupsOf(desk).prune(before, 10)).toBe(2)
    expect(await groupsOf(desk).get(["g", "open"])).toMatchObject([undefined, { state: "open" }])
    expect(await groupsOf(desk).arrivals("g", 0, 10)).toEqual([])
    expect(await groupsOf(desk).arrivals("lost", 0, 10)).toEqual([])
  },
}
