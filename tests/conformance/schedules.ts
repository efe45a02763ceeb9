import { expect } from "bun:test"
import type { ClaimedSchedule, ScheduleStore } from "../../src/core/contracts/schedules.ts"
import { every, putOf, turnsBy } from "../support/schedules.ts"
import type { Desk } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"
import { firing } from "./firing.ts"

const FOREVER = Number.POSITIVE_INFINITY

/** What nearly every question about schedules needs. */
export function scheduleDesk(desk: Desk) {
  const schedules = desk.driver.schedules as ScheduleStore
  const now = desk.clock.now
  const claim = (max = 100, holder = "beat-1") => schedules.claim({ max, holder, leaseMs: desk.leaseMs })
  return {
    ...{ schedules, now, claim, turns: turnsBy(desk.clock) },
    /** Stores schedules of this name, due in so many milliseconds. */
    add: (name: string, dueIn = 0, more: Record<string, unknown> = {}) =>
      schedules.put([putOf(every(name, 1000, more), now() + dueIn)]),
    async claimOne(holder?: string): Promise<ClaimedSchedule> {
      const { due } = await claim(2, holder)
      expect(due).toHaveLength(1)
      return due[0] as ClaimedSchedule
    },
    state: async (name: string) => (await schedules.get([name]))[0]?.state,
    names: async () => (await schedules.list()).map(({ schedule }) => schedule.name),
  }
}

const definitions: Questions = {
  "put stores schedules, and get and list give them by name in every opening of the store": async (desk) => {
    const { schedules, now } = scheduleDesk(desk)
    const [a, b] = [every("a", 1000, { input: { x: 1 } }), every("b", 2000)]
    const nextAt = now() + 500
    expect(await schedules.put([putOf(b), putOf(a, nextAt)])).toEqual([
      { kind: "added", name: "b" },
      { kind: "added", name: "a" },
    ])
    const shown = { schedule: a, state: { nextAt, runs: 0, failures: 0, open: [] } }
    const over = { schedule: b, state: { runs: 0, failures: 0, open: [] } }
    expect(await schedules.list()).toEqual([shown, over])
    const other = (await desk.again()).schedules as ScheduleStore
    expect(await other.get(["a", "nobody", "b"])).toEqual([shown, undefined, over])
  },

  "an edited schedule keeps its state and its history": async (desk) => {
    const { schedules, add, claimOne, turns, state, now } = scheduleDesk(desk)
    await add("a")
    const nextAt = now() + 700
    await schedules.commit([turns.fire(await claimOne(), nextAt)])
    const before = await state("a")
    expect(await add("a", 9000, { input: "other" })).toEqual([{ kind: "changed", name: "a" }])
    expect(await state("a")).toEqual(before as NonNullable<typeof before>)
    expect(await schedules.history("a", 5)).toHaveLength(1)
    expect(await add("a", 9000, { input: "other" })).toEqual([{ kind: "same", name: "a" }])
  },

  "another cadence replaces the next instant, and what was decided by the old one is stale": async (desk) => {
    const { schedules, add, claimOne, turns, state, now } = scheduleDesk(desk)
    await add("a")
    const claimed = await claimOne()
    await schedules.put([putOf(every("a", 5000), now() + 5000)])
    expect(await schedules.commit([turns.fire(claimed, now() + 1000)])).toEqual([{ kind: "stale" }])
    expect(await state("a")).toEqual({ nextAt: now() + 5000, runs: 0, failures: 0, open: [] })
    expect((await scheduleDesk(desk).claim()).wakeAt).toBe(now() + 5000)
  },

  "sync removes those of its source that have vanished, and no others": async (desk) => {
    const { schedules, add, names, now } = scheduleDesk(desk)
    const of = (source: string, ...list: string[]) =>
      schedules.sync(
        source,
        list.map((name) => putOf(every(name, 1000, { source }), now() + 1000)),
      )
    await add("mine")
    await of("code:other.ts", "theirs")
    await of("code:tasks.ts", "a", "b")
    const synced = await of("code:tasks.ts", "b", "c")
    expect(synced).toEqual({
      stored: [
        { kind: "same", name: "b" },
        { kind: "added", name: "c" },
      ],
      removed: ["a"],
    })
    expect(await names()).toEqual(["b", "c", "mine", "theirs"])
  },

  "a name added by hand is not taken by a file, nor a file's by hand; of two files the latest has it": async (
    desk,
  ) => {
    const { schedules, add, now } = scheduleDesk(desk)
    const of = (name: string, source: string) => putOf(every(name, 1000, { source }), now() + 1000)
    await add("mine")
    expect((await schedules.sync("file:stem.toml", [of("mine", "file:stem.toml")])).stored).toEqual([
      { kind: "taken", name: "mine", source: "command" },
    ])
    await schedules.sync("code:a.ts", [of("theirs", "code:a.ts")])
    expect(await add("theirs")).toEqual([{ kind: "taken", name: "theirs", source: "code:a.ts" }])
    await schedules.sync("code:b.ts", [of("theirs", "code:b.ts")])
    expect((await schedules.sync("code:a.ts", [])).removed).toEqual([])
    expect((await schedules.get(["theirs"]))[0]?.schedule.source).toBe("code:b.ts")
  },

  "a removed schedule is gone with its history": async (desk) => {
    const { schedules, add, claimOne, turns, names, now } = scheduleDesk(desk)
    await add("a")
    await schedules.commit([turns.fire(await claimOne(), now() + 1000)])
    expect(await schedules.remove(["a", "nobody", "a"])).toEqual(["a"])
    expect(await names()).toEqual([])
    await add("a", 100)
    expect(await schedules.history("a", 5)).toEqual([])
  },
}

const claiming: Questions = {
  "claim gives what is due, the longest due first, and says when the next one is": async (desk) => {
    const { add, claim, now } = scheduleDesk(desk)
    await add("late", -10)
    await add("later", -500)
    await add("soon", 300)
    await add("someday", 9000)
    const { due, wakeAt } = await claim()
    expect(due.map(({ lease }) => [lease.id, lease.token, lease.holder])).toEqual([
      ["later", 1, "beat-1"],
      ["late", 1, "beat-1"],
    ])
    expect(wakeAt).toBe(now() + 300)
  },

  "wakeAt is left out when max was taken, or when nothing is there": async (desk) => {
    const { add, claim } = scheduleDesk(desk)
    expect(await claim()).toEqual({ due: [] })
    await add("a")
    await add("b")
    expect((await claim(1)).wakeAt).toBeUndefined()
  },

  "while a lease lives no claim returns the schedule, and when it has run out any may, with the next token":
    async (desk) => {
      const { add, claim, claimOne } = scheduleDesk(desk)
      await add("a")
      const first = await claimOne()
      const { due, wakeAt } = await claim()
      expect(due).toEqual([])
      expect(wakeAt).toBe(first.lease.expiresAt)
      await desk.expireLeases()
      expect((await claimOne("beat-2")).lease).toMatchObject({ token: 2, holder: "beat-2" })
    },

  "a paused schedule is not claimed until it is resumed, and its lease is taken back": async (desk) => {
    const { schedules, add, claim, claimOne, turns, now } = scheduleDesk(desk)
    await add("a")
    const claimed = await claimOne()
    expect(await schedules.pause("a", "by hand")).toBeTrue()
    expect(await schedules.pause("a", "again")).toBeFalse()
    expect(await schedules.pause("nobody", "")).toBeFalse()
    expect((await schedules.get(["a"]))[0]?.paused).toMatchObject({ why: "by hand" })
    expect(await schedules.commit([turns.fire(claimed, now())])).toEqual([{ kind: "stale" }])
    await desk.expireLeases()
    expect(await claim()).toEqual({ due: [] })
    expect(await schedules.resume("a", now() + 200)).toBeTrue()
    expect(await schedules.resume("a", now())).toBeFalse()
    expect((await claim()).wakeAt).toBe(now() + 200)
    await desk.advance(250)
    expect((await claimOne()).state.nextAt).toBeLessThanOrEqual(now())
  },

  "what is recalled is due at once, and whoever held it hears stale; what is paused stays paused": async (
    desk,
  ) => {
    const { schedules, add, claim, claimOne, turns, now } = scheduleDesk(desk)
    const hour = 3_600_000
    await add("a")
    const held = await claimOne()
    await add("b", 4 * hour)
    await add("c", 4 * hour)
    await add("d", 4 * hour)
    await schedules.pause("c", "by hand")
    const before = (await schedules.get(["b"]))[0]
    await schedules.recall(["a", "b", "c", "nobody"])
    expect((await schedules.get(["b"]))[0]).toEqual(before as NonNullable<typeof before>)
    const { due } = await claim()
    expect(due.map(({ schedule }) => schedule.name).sort()).toEqual(["a", "b"])
    expect(await schedules.commit([turns.fire(held, now())])).toEqual([{ kind: "stale" }])
    const wakes = due.map((one) => turns.fire(one, now() + 3 * hour))
    expect((await schedules.commit(wakes)).map(({ kind }) => kind)).toEqual(["committed", "committed"])
  },

  "wait resolves when a schedule is due, when one is stored in another opening, and at its end": async (
    desk,
  ) => {
    const { schedules, add, now, turns, claimOne } = scheduleDesk(desk)
    const never = new AbortController().signal
    const idle = schedules.wait(FOREVER, never)
    expect(await desk.resolved(idle)).toBeFalse()
    const other = (await desk.again()).schedules as ScheduleStore
    await other.put([putOf(every("b", 1000), now())])
    await idle
    await schedules.commit([turns.fire(await claimOne())])
    await add("a", 300)
    const woken = schedules.wait(FOREVER, never)
    expect(await desk.resolved(woken, 100)).toBeFalse()
    expect(await desk.resolved(woken, 250)).toBeTrue()
    await schedules.commit([turns.fire(await claimOne())])
    await schedules.wait(now() - 1, never)
    await schedules.wait(FOREVER, AbortSignal.abort())
  },
}

export const scheduleQuestions: readonly Questions[] = [definitions, claiming, firing]

/** Every promise of contracts/schedules.ts. */
export function examineSchedules(candidate: Candidate): void {
  ask(candidate, "schedules: definitions", definitions)
  ask(candidate, "schedules: claim", claiming)
  ask(candidate, "schedules: firing", firing)
}
