import { expect } from "bun:test"
import type { StoredEvent } from "../../src/core/task/event.ts"
import type { Desk } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const FOREVER = Number.POSITIVE_INFINITY

const started = (id: string, at: number): StoredEvent => ({
  ...{ kind: "started", at, id, task: "image.resize", queue: "media", attempt: 1, worker: "w-1" },
})

/** Adds one batch of started tasks. */
const add = ({ events, clock }: Desk, ...ids: readonly string[]) =>
  events.append(ids.map((id) => started(id, clock.now())))

const idsOf = (events: readonly StoredEvent[]) => events.map(({ id }) => id)

export const eventQuestions: Questions = {
  "events are read as they were written, in order, by every opening of the store": async (desk) => {
    const at = desk.clock.now()
    const written: StoredEvent[] = [
      { kind: "enqueued", at, id: "a", task: "mail", queue: "default", dueAt: at + 9, parent: "p" },
      started("a", at + 1),
      { ...started("b", at + 2), worker: undefined },
      { ...started('c"\n\u2028é', at + 3) },
      { ...started("a", at + 4), kind: "succeeded", ms: 7 },
      { ...started("b", at + 4), kind: "failed", error: { name: "TypeError", message: "no", code: "E" } },
      { kind: "queue_paused", at, queue: "mail" },
      { kind: "queue_purged", at, queue: "mail", count: 12 },
      {
        kind: "schedule_fired",
        at,
        schedule: "nightly",
        nominalAt: at - 5,
        id: "d",
        task: "mail",
        queue: "q",
      },
      { kind: "worker_ready", at, worker: "w-1" },
    ]
    await desk.events.append(written.slice(0, 4))
    await (await desk.again()).events.append(written.slice(4))
    for (const { events } of [desk.driver, await desk.again()]) {
      const { events: read, gap } = await events.read(await events.position("oldest"), 100)
      expect(read.map(({ cursor, ...event }) => event)).toEqual(
        written.map((event) => JSON.parse(JSON.stringify(event))),
      )
      expect(gap).toBeFalse()
    }
  },

  "reading goes on from the page's cursor, and from that of each event, in other openings too": async (
    desk,
  ) => {
    await add(desk, "a", "b", "c")
    await add(desk, "d")
    await add(desk, "e", "f")
    const { events } = await desk.again()
    const seen: (string | undefined)[] = []
    for (let cursor = await desk.events.position("oldest"), more = true; more; ) {
      const page = await events.read(cursor, 2)
      seen.push(...idsOf(page.events))
      more = page.events.length > 0
      cursor = page.cursor
    }
    expect(seen).toEqual(["a", "b", "c", "d", "e", "f"])
    const all = (await events.read(await desk.events.position("oldest"), 100)).events
    for (const [at, { cursor }] of all.entries())
      expect(idsOf((await desk.events.read(cursor, 100)).events)).toEqual(idsOf(all.slice(at + 1)))
  },

  "an empty log gives nothing, and its cursors hear of what comes": async (desk) => {
    const [oldest, newest] = [await desk.events.position("oldest"), await desk.events.position("newest")]
    for (const cursor of [oldest, newest])
      expect(await desk.events.read(cursor, 10)).toMatchObject({ events: [], gap: false })
    await add(desk, "a")
    for (const cursor of [oldest, newest])
      expect(idsOf((await desk.events.read(cursor, 10)).events)).toEqual(["a"])
  },

  "back gives the latest before a cursor, oldest first, and goes on from there": async (desk) => {
    await add(desk, "a", "b", "c")
    await add(desk, "d", "e")
    const newest = await desk.events.position("newest")
    const late = await desk.events.back(newest, 3)
    expect(idsOf(late.events)).toEqual(["c", "d", "e"])
    const early = await desk.events.back(late.cursor, 10)
    expect(idsOf(early.events)).toEqual(["a", "b"])
    expect(idsOf((await desk.events.back(early.cursor, 10)).events)).toEqual([])
    expect(idsOf((await desk.events.read(late.cursor, 10)).events)).toEqual(["c", "d", "e"])
  },

  "many small batches are read in order, forward and back": async (desk) => {
    const ids = Array.from({ length: 60 }, (_, at) => `t${at}`)
    for (const id of ids) await add(desk, id)
    const seen: (string | undefined)[] = []
    let cursor = await desk.events.position("oldest")
    for (let page = await desk.events.read(cursor, 50); page.events.length > 0; ) {
      seen.push(...idsOf(page.events))
      cursor = page.cursor
      page = await desk.events.read(cursor, 50)
    }
    expect(seen).toEqual(ids)
    expect(idsOf((await desk.events.back(await desk.events.position("newest"), 50)).events)).toEqual(
      ids.slice(10),
    )
  },

  "the position of an instant is before what was added since": async (desk) => {
    await add(desk, "a")
    await desk.advance(50)
    const instant = desk.clock.now()
    await desk.advance(50)
    await add(desk, "b")
    expect(idsOf((await desk.events.read(await desk.events.position(instant), 10)).events)).toEqual(["b"])
    expect(idsOf((await desk.events.read(await desk.events.position(0), 10)).events)).toEqual(["a", "b"])
  },

  "prune keeps the latest by count, and a cursor into what is gone hears of the gap": async (desk) => {
    const start = await desk.events.position("oldest")
    await add(desk, "a", "b")
    const inside = (await desk.events.read(start, 1)).cursor
    const after = await desk.events.position("newest")
    await add(desk, "c")
    expect((await add(desk, "d")).kept).toBe(4)
    expect(await desk.events.prune({ keep: 2, before: 0 })).toBe(2)
    expect(await desk.events.prune({ keep: 2, before: 0 })).toBe(0)
    for (const cursor of [start, inside]) {
      const page = await desk.events.read(cursor, 10)
      expect(idsOf(page.events)).toEqual(["c", "d"])
      expect(page.gap).toBeTrue()
      expect((await desk.events.read(page.cursor, 10)).gap).toBeFalse()
    }
    for (const cursor of [after, await desk.events.position("oldest")])
      expect(await desk.events.read(cursor, 10)).toMatchObject({
        events: [{ id: "c" }, { id: "d" }],
        gap: false,
      })
    expect((await add(desk, "e")).kept).toBe(3)
  },

  "prune removes what was added before an instant, however little is kept": async (desk) => {
    await add(desk, "a")
    await desk.advance(50)
    const instant = desk.clock.now()
    await desk.advance(50)
    await add(desk, "b")
    expect(await desk.events.prune({ keep: 1000, before: instant })).toBe(1)
    const { events } = await desk.events.read(await desk.events.position("oldest"), 10)
    expect(idsOf(events)).toEqual(["b"])
  },

  "an emptied log goes on behind its cursors": async (desk) => {
    await add(desk, "a")
    const newest = await desk.events.position("newest")
    await desk.events.prune({ keep: 0, before: 0 })
    expect(await desk.events.position("newest")).toBe(newest)
    expect(await desk.events.read(newest, 10)).toMatchObject({ events: [], gap: false })
    await add(desk, "b")
    expect(await desk.events.read(newest, 10)).toMatchObject({ events: [{ id: "b" }], gap: false })
  },

  "writers beside each other lose nothing, and a reader misses nothing": async (desk) => {
    const other = await desk.again()
    const seen: (string | undefined)[] = []
    let cursor = await desk.events.position("oldest")
    const look = async () => {
      const page = await desk.events.read(cursor, 1000)
      seen.push(...idsOf(page.events))
      cursor = page.cursor
    }
    for (let round = 0; round < 10; round++)
      await Promise.all([
        ...[desk.events, other.events].flatMap((events, side) =>
          [0, 1, 2].map((at) => events.append([started(`${round}-${side}-${at}`, desk.clock.now())])),
        ),
        look(),
      ])
    await look()
    expect(seen).toHaveLength(60)
    expect(new Set(seen).size).toBe(60)
  },

  "wait resolves at once when there is something, and when another opening adds something": async (desk) => {
    const signal = new AbortController().signal
    const start = await desk.events.position("newest")
    for (const [at, one] of [desk.driver, await desk.again()].entries()) {
      const cursor = await desk.events.position("newest")
      const woken = desk.events.wait(cursor, FOREVER, signal)
      expect(await desk.resolved(woken)).toBeFalse()
      await one.events.append([started(`${at}`, desk.clock.now())])
      await woken
    }
    await desk.events.wait(start, FOREVER, signal)
    await desk.events.wait((await desk.events.read(start, 1)).cursor, FOREVER, signal)
  },

  "a wait for events ends at its end, by its signal, and when the store is closed": async (desk) => {
    const stop = new AbortController()
    const cursor = await desk.events.position("newest")
    const timed = desk.events.wait(cursor, desk.clock.now() + 200, stop.signal)
    expect(await desk.resolved(timed, 100)).toBeFalse()
    expect(await desk.resolved(timed, 150)).toBeTrue()
    await desk.events.wait(cursor, FOREVER, AbortSignal.abort())
    const stopped = desk.events.wait(cursor, FOREVER, stop.signal)
    expect(await desk.resolved(stopped)).toBeFalse()
    stop.abort()
    await stopped
    const other = await desk.again()
    const closed = other.events.wait(cursor, FOREVER, new AbortController().signal)
    expect(await desk.resolved(closed)).toBeFalse()
    await other.close()
    await closed
  },

  "what is no cursor is refused": async ({ events }) => {
    for (const cursor of ["", "x", "1:", "-1", "1:2:3", "9".repeat(30)])
      expect(await events.read(cursor, 1).catch(({ code }) => code)).toBe("invalid_cursor")
  },
}

/** Every promise of contracts/events.ts. */
export const examineEvents = (candidate: Candidate): void => ask(candidate, "events", eventQuestions)
