import { expect } from "bun:test"
import { HISTORY, type ScheduleStore } from "../../src/core/contracts/schedules.ts"
import { every, putOf, turnsBy } from "../support/schedules.ts"
import type { Desk } from "./desk.ts"
import type { Questions } from "./exam.ts"

async function claimed(desk: Desk, name = "a", dueIn = 0) {
  const schedules = desk.driver.schedules as ScheduleStore
  const turns = turnsBy(desk.clock)
  const { now } = desk.clock
  const claim = async (holder = "beat-1") => {
    const { due } = await schedules.claim({ max: 5, holder, leaseMs: desk.leaseMs })
    const found = due.find(({ lease }) => lease.id === name)
    if (!found) throw new Error(`${name} is not due`)
    return found
  }
  const nominalAt = now() + dueIn
  await schedules.put([putOf(every(name, 1000), nominalAt)])
  return { schedules, turns, claim, now, nominalAt, first: await claim() }
}

/** commit, fire and history: what happens once. */
export const firing: Questions = {
  "a commit stores the tasks, the state and the next instant, and closes the lease": async (desk) => {
    const { schedules, turns, first, nominalAt, now } = await claimed(desk, "a", -20)
    const nextAt = now() + 400
    expect(await schedules.commit([turns.fire(first, nextAt)])).toEqual([
      { kind: "committed", firings: ["fired"] },
    ])
    const id = `a@${nominalAt}`
    expect((await desk.see(id))?.state).toBe("queued")
    expect((await schedules.get(["a"]))[0]?.state).toEqual({
      ...{ nextAt, lastAt: nominalAt, lastId: id, runs: 1, failures: 0, open: [id] },
    })
    expect((await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })).wakeAt).toBe(nextAt)
    expect(await schedules.history("a", 5)).toEqual([
      { nominalAt, firedAt: nominalAt + 20, latenessMs: 20, id },
    ])
  },

  "an instant that has fired does not fire again": async (desk) => {
    const { schedules, turns, claim, first, nominalAt, now } = await claimed(desk)
    await schedules.commit([turns.fire(first, now())])
    const again = turns.fire(await claim(), now() + 1000, nominalAt)
    expect(await schedules.commit([again])).toEqual([{ kind: "committed", firings: ["duplicate"] }])
    expect(await schedules.history("a", 5)).toHaveLength(1)
    expect(await desk.take()).toHaveLength(1)
  },

  "an instant whose task ended and was forgotten does not fire again": async (desk) => {
    const { schedules, turns, claim, first, nominalAt, now } = await claimed(desk)
    await schedules.commit([turns.fire(first, now())])
    await desk.settle(desk.say.success(await desk.takeOne()))
    await desk.results.forget([`a@${nominalAt}`])
    const again = turns.fire(await claim(), now() + 1000, nominalAt)
    expect(await schedules.commit([again])).toEqual([{ kind: "committed", firings: ["duplicate"] }])
    expect(await desk.take()).toEqual([])
  },

  "a commit with an older token changes nothing and hears stale": async (desk) => {
    const { schedules, turns, claim, first, now } = await claimed(desk)
    await desk.expireLeases()
    const second = await claim("beat-2")
    expect(await schedules.commit([turns.fire(first, now() + 9000)])).toEqual([{ kind: "stale" }])
    expect(await desk.take()).toEqual([])
    expect(await schedules.commit([turns.fire(second, now() + 1000)])).toMatchObject([{ kind: "committed" }])
    expect(await schedules.commit([turns.fire(second, now() + 9000)])).toEqual([{ kind: "stale" }])
    expect((await schedules.get(["a"]))[0]?.state).toMatchObject({ nextAt: now() + 1000, runs: 1 })
  },

  "a lease that ran out and was not claimed again may still commit": async (desk) => {
    const { schedules, turns, first, now } = await claimed(desk)
    await desk.expireLeases()
    expect(await schedules.commit([turns.fire(first, now() + 1000)])).toMatchObject([{ kind: "committed" }])
  },

  "a commit of a schedule that was removed is stale": async (desk) => {
    const { schedules, turns, first, now } = await claimed(desk)
    await schedules.remove(["a"])
    expect(await schedules.commit([turns.fire(first, now())])).toEqual([{ kind: "stale" }])
    expect(await desk.take()).toEqual([])
  },

  "a skipped instant is remembered with its reason": async (desk) => {
    const { schedules, turns, first, nominalAt, now } = await claimed(desk)
    const skipped = { nominalAt, firedAt: now(), skipped: "the one before still runs" }
    const turn = { ...turns.fire(first, now() + 1000), firings: [skipped] }
    expect(await schedules.commit([turn])).toEqual([{ kind: "committed", firings: ["skipped"] }])
    expect(await schedules.history("a", 5)).toEqual([{ ...skipped, latenessMs: 0 }])
    expect(await desk.take()).toEqual([])
  },

  "a commit may pause the schedule, and may end it": async (desk) => {
    const { schedules, turns, claim, first, now } = await claimed(desk)
    await schedules.commit([{ ...turns.fire(first, now()), pause: "3 failures" }])
    expect((await schedules.get(["a"]))[0]?.paused).toEqual({ at: now(), why: "3 failures" })
    expect(await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })).toEqual({ due: [] })
    await schedules.resume("a", now())
    await schedules.commit([turns.fire(await claim(), undefined, now() + 1)])
    expect((await schedules.get(["a"]))[0]?.state.nextAt).toBeUndefined()
    expect(await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })).toEqual({ due: [] })
  },

  "many turns are answered in order, each for itself": async (desk) => {
    const { schedules, turns, first, now } = await claimed(desk)
    await schedules.put([putOf(every("b", 1000), now())])
    const { due } = await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })
    const lost = { ...first, lease: { ...first.lease, token: 9 } }
    const answers = await schedules.commit([
      turns.fire(lost),
      ...due.map((one) => turns.fire(one, now() + 1000)),
      turns.fire(first, now() + 1000),
    ])
    expect(answers.map(({ kind }) => kind)).toEqual(["stale", "committed", "committed"])
  },

  "a crowd of turns is stored as if one by one: new, known, skipped, empty and lost": async (desk) => {
    const { schedules, turns, first, nominalAt, now } = await claimed(desk)
    await schedules.put(["b", "c", "d"].map((name) => putOf(every(name, 1000), now())))
    const { due } = await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })
    const [b, c, d] = due as [(typeof due)[0], (typeof due)[0], (typeof due)[0]]
    await schedules.fire([{ ...turns.fired("b", 7), name: "b" } as never])
    await desk.store("c@8")
    const skipped = { nominalAt: 5, firedAt: now(), skipped: "no" }
    const nextAt = now() + 1000
    const answers = await schedules.commit([
      { ...turns.fire(d, nextAt), firings: [] },
      { ...turns.fire(c, nextAt), firings: [turns.fired("c", 8), turns.fired("c", 9)] },
      { ...turns.fire(d, nextAt), lease: { ...d.lease, token: 9 } },
      { ...turns.fire(b, nextAt), firings: [skipped, turns.fired("b", 6), turns.fired("b", 7)] },
      turns.fire(first, nextAt),
      turns.fire(first, nextAt),
    ])
    expect(answers).toEqual([
      { kind: "committed", firings: [] },
      { kind: "committed", firings: ["duplicate", "fired"] },
      { kind: "stale" },
      { kind: "committed", firings: ["skipped", "fired", "duplicate"] },
      { kind: "committed", firings: ["fired"] },
      { kind: "stale" },
    ])
    const shown = (await schedules.history("b", 5)).map(({ nominalAt: at, id, skipped: why }) => [
      at,
      id ?? why,
    ])
    expect(shown).toEqual([
      [7, "b@7"],
      [6, "b@6"],
      [5, "no"],
    ])
    const ids = (await desk.take(9)).map(({ envelope }) => envelope.id)
    expect(ids.sort()).toEqual([`a@${nominalAt}`, "b@6", "b@7", "c@8", "c@9"])
    expect((await schedules.claim({ max: 5, holder: "b", leaseMs: 1000 })).wakeAt).toBe(nextAt)
  },

  "firing by hand leaves the next instant as it is, and makes up for a skipped one": async (desk) => {
    const { schedules, turns, first, nominalAt, now } = await claimed(desk)
    const skipped = { nominalAt, firedAt: now(), skipped: "no" }
    const nextAt = now() + 1000
    await schedules.commit([{ ...turns.fire(first, nextAt), firings: [skipped] }])
    const byHand = (name: string, at: number) => ({
      ...{ name, nominalAt: at, firedAt: now(), envelope: desk.task(`${name}@${at}`) },
    })
    const asks = [byHand("a", nominalAt), byHand("a", nominalAt), byHand("a", 5), byHand("nobody", 5)]
    expect(await schedules.fire(asks)).toEqual(["fired", "duplicate", "fired", "missing"])
    expect(await schedules.history("a", 1)).toEqual([
      { nominalAt, firedAt: now(), latenessMs: 0, id: `a@${nominalAt}`, byHand: true },
    ])
    expect((await schedules.get(["a"]))[0]?.state.nextAt).toBe(nextAt)
    expect(await desk.take()).toHaveLength(2)
  },

  "a history is newest first and bounded": async (desk) => {
    const { schedules } = await claimed(desk)
    const asks = Array.from({ length: HISTORY + 150 }, (_, at) => ({
      ...{ name: "a", nominalAt: at + 1, firedAt: at + 1, envelope: desk.task(`a@${at + 1}`) },
    }))
    await schedules.fire(asks)
    const latest = await schedules.history("a", 3)
    expect(latest.map(({ nominalAt }) => nominalAt)).toEqual([HISTORY + 150, HISTORY + 149, HISTORY + 148])
    const all = await schedules.history("a", 10_000)
    expect(all).toHaveLength(HISTORY)
    expect(all.at(-1)?.nominalAt).toBe(151)
  },

  "what turns have fired is bounded too": async (desk) => {
    const { schedules, turns, first, now } = await claimed(desk)
    const firings = Array.from({ length: HISTORY + 300 }, (_, at) => turns.fired("a", at + 1))
    const [answer] = await schedules.commit([{ ...turns.fire(first, now() + 1000), firings }])
    expect(answer).toEqual({ kind: "committed", firings: firings.map(() => "fired") })
    const all = await schedules.history("a", 10_000)
    expect(all).toHaveLength(HISTORY)
    expect([all[0]?.nominalAt, all.at(-1)?.nominalAt]).toEqual([HISTORY + 300, 301])
  },
}
