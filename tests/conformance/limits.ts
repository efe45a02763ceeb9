import { expect } from "bun:test"
import type { Slot } from "../../src/core/contracts/limits.ts"
import { HANDED, LEAD, type Limit, LOOK, LOOK_APART } from "../../src/core/task/limit.ts"
import type { Desk } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const rate = (key: string, everyMs: number, burst = 1): Limit => ({ key, bucket: { everyMs, burst } })
const most = (key: string, count: number): Limit => ({ key, most: count })
const LEASE = 10_000

const take = ({ driver }: Pick<Desk, "driver">, ids: readonly string[], ...limits: readonly Limit[]) =>
  driver.limits.take(
    ids.map((id) => ({ id, token: 1, limits })),
    LEASE,
    1000,
  )

const slot = (key: string, id: string, count: number, token = 1): Slot => ({ key, id, token, most: count })
const kinds = (grants: readonly { kind: string }[]) => grants.map(({ kind }) => kind).join(" ")

/** Every promise of contracts/limits.ts. */
export const limitQuestions: Questions = {
  "a token comes every so often, and who comes too early is told when to come": async (desk) => {
    const now = desk.clock.now()
    expect(await take(desk, ["a", "b", "c"], rate("k", 1000))).toEqual([
      { kind: "granted", at: now },
      { kind: "refused", retryAt: now + 950, on: "k", full: false },
      { kind: "refused", retryAt: now + 1950, on: "k", full: false },
    ])
    await desk.advance(1000)
    expect(await take(desk, ["b"], rate("k", 1000))).toEqual([{ kind: "granted", at: now + 1000 }])
  },

  "a refused ask takes nothing, and a hundred of them cost no token": async (desk) => {
    await take(desk, ["a"], rate("k", 1000))
    for (let n = 0; n < 100; n++) expect(kinds(await take(desk, ["b"], rate("k", 1000)))).toBe("refused")
    await desk.advance(1000)
    expect(kinds(await take(desk, ["b"], rate("k", 1000)))).toBe("granted")
  },

  "what is saved up starts at once, and no more than the burst is": async (desk) => {
    const ids = Array.from({ length: 12 }, (_, n) => `t${n}`)
    const granted = async () =>
      (await take(desk, ids, rate("k", 1000, 5))).filter(({ kind }) => kind === "granted").length
    expect(await granted()).toBe(5)
    await desk.advance(60_000)
    expect(await granted()).toBe(5)
    await desk.advance(2000)
    expect(await granted()).toBe(2)
  },

  "tokens of the next moment are given ahead of their time, each at its instant": async (desk) => {
    const now = desk.clock.now()
    const ids = Array.from({ length: 20 }, (_, n) => `t${n}`)
    const grants = await take(desk, ids, rate("k", 10))
    const instants = grants.flatMap((grant) => (grant.kind === "granted" ? [grant.at - now] : []))
    expect(instants).toEqual([0, 5, 15, 25, 35, 45])
    expect(Math.max(...instants)).toBeLessThanOrEqual(LEAD)
    expect(grants[6]).toMatchObject({ kind: "refused", retryAt: now + 55 })
  },

  "all or nothing: a task that one key refuses takes nothing of the others": async (desk) => {
    await take(desk, ["a"], rate("slow", 1000))
    expect(kinds(await take(desk, ["b"], rate("fast", 1000), most("slots", 1), rate("slow", 1000)))).toBe(
      "refused",
    )
    expect(kinds(await take(desk, ["c"], rate("fast", 1000), most("slots", 1)))).toBe("granted")
  },

  "no more is granted than there is room for, and the rest has taken nothing": async (desk) => {
    const asks = ["a", "b", "c", "d"].map((id) => ({
      ...{ id, token: 1, limits: [rate("k", 1000, 3), most("k", 3)] },
    }))
    expect(kinds(await desk.driver.limits.take(asks, LEASE, 1))).toBe("granted later later later")
    expect(kinds(await desk.driver.limits.take(asks.slice(1), LEASE, 9))).toBe("granted granted refused")
  },

  "keys and namespaces have nothing to do with one another": async (desk) => {
    expect(kinds(await take(desk, ["a"], rate("k:1", 1000)))).toBe("granted")
    expect(kinds(await take(desk, ["b"], rate("k:2", 1000)))).toBe("granted")
    expect(kinds(await take(desk, ["c"], rate("a key, of somebody's: ünïcödé {}", 1000)))).toBe("granted")
    expect(kinds(await take(desk, ["d"], most("k:1", 1)))).toBe("granted")
  },

  "every opening of the store takes from the same bucket and the same slots": async (desk) => {
    const other = { driver: await desk.again() }
    const ids = Array.from({ length: 10 }, (_, n) => `t${n}`)
    const [here, there] = await Promise.all([
      take(desk, ids.slice(0, 5), rate("k", 1000, 3), most("k", 9)),
      take(other, ids.slice(5), rate("k", 1000, 3), most("k", 9)),
    ])
    expect([...here, ...there].filter(({ kind }) => kind === "granted")).toHaveLength(3)
    expect(kinds(await take(other, ["x"], most("k", 3)))).toBe("refused")
  },

  "no more have a slot than there are, and a freed one is another's": async (desk) => {
    expect(kinds(await take(desk, ["a", "b", "c"], most("k", 2)))).toBe("granted granted refused")
    await desk.driver.limits.free([slot("k", "a", 2)])
    expect(kinds(await take(desk, ["c", "d"], most("k", 2)))).toBe("granted refused")
  },

  "asked for at once, each has a slot of each of its limits": async (desk) => {
    const both = [most("p", 3), most("q", 9)]
    expect(kinds(await take(desk, ["a", "b"], ...both))).toBe("granted granted")
    expect(kinds(await take(desk, ["c", "d"], ...both))).toBe("granted refused")
    await desk.driver.limits.free([slot("p", "a", 3)])
    expect(kinds(await take(desk, ["d"], ...both))).toBe("granted")
    const others = Array.from({ length: 6 }, (_, at) => `o${at}`)
    expect(kinds(await take(desk, others, most("q", 9)))).toBe(`${"granted ".repeat(5)}refused`)
  },

  "who is refused a slot looks again by itself, one after the other": async (desk) => {
    const now = desk.clock.now()
    await take(desk, ["a"], most("k", 1))
    expect(await take(desk, ["b", "c"], most("k", 1))).toEqual([
      { kind: "refused", retryAt: now + LOOK, on: "k", full: true },
      { kind: "refused", retryAt: now + LOOK + LOOK_APART, on: "k", full: true },
    ])
  },

  "a slot that is asked for again by its task is taken once": async (desk) => {
    expect(kinds(await take(desk, ["a"], most("k", 2)))).toBe("granted")
    expect(kinds(await take(desk, ["a", "b", "c"], most("k", 2)))).toBe("granted granted refused")
  },

  "a slot lives as long as it is kept, and is free when nobody keeps it": async (desk) => {
    await take(desk, ["kept", "lost"], most("k", 2))
    await desk.advance(LEASE - 1000)
    await desk.driver.limits.keep([slot("k", "kept", 2)], LEASE)
    await desk.advance(1001)
    expect(kinds(await take(desk, ["c", "d"], most("k", 2)))).toBe("granted refused")
  },

  "a slot that has run out is not kept, and one that is another's by now neither kept nor freed": async (
    desk,
  ) => {
    const { limits } = desk.driver
    await take(desk, ["a"], most("k", 1))
    await desk.advance(LEASE)
    await limits.keep([slot("k", "a", 1)], LEASE)
    expect(kinds(await limits.take([{ id: "a", token: 2, limits: [most("k", 1)] }], LEASE, 9))).toBe(
      "granted",
    )
    await limits.free([slot("k", "a", 1, 1)])
    await desk.advance(LEASE - 1)
    await limits.keep([slot("k", "a", 1, 1)], LEASE)
    expect(kinds(await take(desk, ["b"], most("k", 1)))).toBe("refused")
    await desk.advance(1)
    expect(kinds(await take(desk, ["b"], most("k", 1)))).toBe("granted")
  },

  "a freed slot is handed to the first of the line, which takes it before anybody else": async (desk) => {
    const { limits } = desk.driver
    await take(desk, ["a"], most("k", 1))
    const retryAt = desk.clock.now() + LOOK
    const wait = (id: string, at: number) => ({ key: "k", id, most: 1, retryAt: at })
    expect(await limits.park([wait("second", retryAt + 1), wait("first", retryAt)])).toEqual([])
    expect(await limits.free([slot("k", "a", 1)])).toEqual([slot("k", "first", 1, 0)])
    expect(kinds(await take(desk, ["new"], most("k", 1)))).toBe("refused")
    expect(kinds(await take(desk, ["first"], most("k", 1)))).toBe("granted")
    expect(await limits.free([slot("k", "first", 1, 0)])).toEqual([])
    expect(await limits.free([slot("k", "first", 1)])).toEqual([slot("k", "second", 1, 0)])
  },

  "a slot that was handed on and can not be used goes to the next, and lapses by itself": async (desk) => {
    const { limits } = desk.driver
    await take(desk, ["a"], most("k", 1))
    const retryAt = desk.clock.now() + LOOK
    await limits.park(["b", "c"].map((id) => ({ key: "k", id, most: 1, retryAt })))
    const [handed] = await limits.free([slot("k", "a", 1)])
    expect(handed).toEqual(slot("k", "b", 1, 0))
    expect(await limits.free([handed as Slot])).toEqual([slot("k", "c", 1, 0)])
    await desk.advance(HANDED)
    expect(kinds(await take(desk, ["new"], most("k", 1)))).toBe("granted")
  },

  "who enters the line when a slot is free already is handed it at once": async (desk) => {
    const { limits } = desk.driver
    await take(desk, ["a"], most("k", 1))
    expect(kinds(await take(desk, ["b"], most("k", 1)))).toBe("refused")
    expect(await limits.free([slot("k", "a", 1)])).toEqual([])
    const retryAt = desk.clock.now() + LOOK
    expect(await limits.park([{ key: "k", id: "b", most: 1, retryAt }])).toEqual([slot("k", "b", 1, 0)])
  },

  "what has ended is pruned or goes by itself, and what counts stays": async (desk) => {
    const { limits } = desk.driver
    await take(desk, ["a", "b"], rate("k", 1000, 2), most("k", 2))
    await desk.advance(1000)
    await limits.prune(100)
    expect(kinds(await take(desk, ["c"], rate("k", 1000, 2)))).toBe("granted")
    expect(kinds(await take(desk, ["d"], rate("k", 1000, 2), most("k", 2)))).toBe("refused")
    await desk.advance(4_000_000)
    await limits.prune(100)
    expect(await limits.prune(100)).toBe(0)
    expect(kinds(await take(desk, ["e", "f", "g"], rate("k", 1000, 2), most("k", 2)))).toBe(
      "granted granted refused",
    )
  },

  "nothing asked is nothing answered": async ({ driver: { limits } }) => {
    expect(await limits.take([], LEASE, 9)).toEqual([])
    await limits.keep([], LEASE)
    expect(await limits.free([])).toEqual([])
    expect(await limits.park([])).toEqual([])
    expect(await limits.take([{ id: "a", token: 1, limits: [] }], LEASE, 9)).toMatchObject([
      { kind: "granted" },
    ])
  },
}

/** Every promise of contracts/limits.ts. */
export const examineLimits = (candidate: Candidate): void => ask(candidate, "limits", limitQuestions)
