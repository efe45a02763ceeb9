import { expect } from "bun:test"
import {
  type Answer,
  type Command,
  LOST_KEPT,
  MAILBOX,
  type Presence,
} from "../../src/core/contracts/workers.ts"
import type { Desk } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const presence = (id: string, name: string, more: Partial<Presence> = {}): Presence => ({
  ...{ v: 1, id, name, host: "h", pid: 1, version: "0.1.0", state: "running", queues: ["default"] },
  ...{ concurrency: 4, tasks: ["image.resize"], running: [{ id: "a", task: "image.resize", startedAt: 5 }] },
  ...{ done: { succeeded: 1, failed: 0, retried: 2 }, startedAt: 1, seenAt: 2, rssBytes: 3, ...more },
})

const command = ({ clock }: Desk, id: string, order: Command["order"] = { kind: "ping" }): Command => ({
  ...{ v: 1, id, order, expiresAt: clock.now() + 60_000 },
})

export const workerQuestions: Questions = {
  "list gives the presences as they were written, by name, in every opening of the store": async (desk) => {
    const [b, a] = [presence("1", "b"), presence("2", "a", { state: "draining", running: [] })]
    await desk.workers.beat(b, 10_000)
    await desk.workers.beat(a, 10_000)
    expect(await desk.workers.list()).toEqual([a, b])
    expect(await (await desk.again()).workers.list()).toEqual([a, b])
  },

  "two workers of one name are both there": async ({ workers }) => {
    await workers.beat(presence("2", "same"), 10_000)
    await workers.beat(presence("1", "same"), 10_000)
    expect((await workers.list()).map(({ id }) => id)).toEqual(["1", "2"])
  },

  "a presence is gone when it has not been renewed for its time": async ({ workers, advance }) => {
    await workers.beat(presence("1", "a"), 300)
    await workers.beat(presence("2", "b"), 300)
    await advance(200)
    await workers.beat(presence("2", "b", { rssBytes: 9 }), 300)
    await advance(200)
    expect(await workers.list()).toEqual([presence("2", "b", { rssBytes: 9 })])
  },

  "a worker that was lost is remembered for an hour, for who asks for it": async (desk) => {
    const { workers, advance, clock } = desk
    const since = clock.now()
    await workers.beat(presence("1", "a"), 300)
    await advance(500)
    await workers.beat(presence("2", "b"), 300)
    expect(await workers.list(since)).toEqual([presence("1", "a"), presence("2", "b")])
    expect(await workers.list()).toEqual([presence("2", "b")])
    expect(await workers.list(clock.now() - 100)).toEqual([presence("2", "b")])
    await advance(LOST_KEPT + 1000)
    await workers.beat(presence("3", "c"), 300)
    expect(await workers.list(since)).toEqual([presence("3", "c")])
  },

  "a command reaches every worker it is sent to, once, and no other": async (desk) => {
    const other = await desk.again()
    for (const id of ["1", "2", "3"]) expect(await desk.workers.beat(presence(id, id), 10_000)).toEqual([])
    const [one, two] = [command(desk, "c1"), command(desk, "c2", { kind: "resize", concurrency: 3 })]
    await other.workers.send(two, ["1"])
    await other.workers.send(one, ["1", "2", "2"])
    expect(await desk.workers.beat(presence("1", "1"), 10_000)).toEqual([one, two])
    expect(await other.workers.beat(presence("2", "2"), 10_000)).toEqual([one])
    for (const id of ["1", "2", "3"]) expect(await desk.workers.beat(presence(id, id), 10_000)).toEqual([])
  },

  "a command that has expired is handed over to nobody": async (desk) => {
    await desk.workers.send({ ...command(desk, "old"), expiresAt: desk.clock.now() + 100 }, ["1", "2"])
    await desk.advance(150)
    const young = command(desk, "young")
    await desk.workers.send(young, ["1"])
    expect(await desk.workers.beat(presence("1", "a"), 10_000)).toEqual([young])
    expect(await desk.workers.beat(presence("2", "b"), 10_000)).toEqual([])
  },

  "a mailbox holds the latest hundred, and goes with its worker": async (desk) => {
    const ids = Array.from({ length: MAILBOX + 5 }, (_, at) => `c${1000 + at}`)
    for (const id of ids) await desk.workers.send(command(desk, id), ["1", "2"])
    expect((await desk.workers.beat(presence("1", "a"), 10_000)).map(({ id }) => id)).toEqual(ids.slice(5))
    await desk.workers.leave("2")
    expect(await desk.workers.beat(presence("2", "b"), 10_000)).toEqual([])
  },

  "answers are counted by worker, seen by every opening, and forgotten after their time": async (desk) => {
    const other = await desk.again()
    const answer = (worker: string, more: Partial<Answer> = {}): Answer => ({
      ...{ v: 1, command: "c", worker, name: worker, at: 1, until: desk.clock.now() + 1000, ok: true },
      ...{ message: "pong", ...more },
    })
    const [b, a] = [answer("b"), answer("a", { ok: false, presence: presence("a", "a") })]
    await desk.workers.answer(b)
    await desk.workers.answer(answer("a", { message: "first" }))
    await other.workers.answer(a)
    await desk.workers.answer(answer("c", { command: "other" }))
    expect(await other.workers.answers("c")).toEqual([a, b])
    expect(await desk.workers.answers("nothing")).toEqual([])
    await desk.advance(1100)
    expect(await desk.workers.answers("c")).toEqual([])
  },

  "a worker that waits hears a command from another opening, and not those of others": async (desk) => {
    const other = await desk.again()
    const signal = new AbortController().signal
    const woken = desk.workers.wait("1", Number.POSITIVE_INFINITY, signal)
    await other.workers.send(command(desk, "x"), ["2"])
    expect(await desk.resolved(woken)).toBeFalse()
    await other.workers.send(command(desk, "y"), ["1"])
    await woken
    await desk.workers.wait("1", Number.POSITIVE_INFINITY, signal)
    await desk.workers.beat(presence("1", "a"), 10_000)
    const again = desk.workers.wait("1", Number.POSITIVE_INFINITY, signal)
    expect(await desk.resolved(again)).toBeFalse()
    await desk.workers.send(command(desk, "z"), ["1"])
    await again
  },

  "a wait for commands ends at its end, by its signal, and when the store is closed": async (desk) => {
    const stop = new AbortController()
    const timed = desk.workers.wait("1", desk.clock.now() + 200, stop.signal)
    expect(await desk.resolved(timed, 100)).toBeFalse()
    expect(await desk.resolved(timed, 150)).toBeTrue()
    await desk.workers.wait("1", Number.POSITIVE_INFINITY, AbortSignal.abort())
    const stopped = desk.workers.wait("1", Number.POSITIVE_INFINITY, stop.signal)
    stop.abort()
    await stopped
    const other = await desk.again()
    const closed = other.workers.wait("1", Number.POSITIVE_INFINITY, new AbortController().signal)
    expect(await desk.resolved(closed)).toBeFalse()
    await other.close()
    await closed
  },

  "a worker that leaves is gone at once, and may leave twice": async ({ workers }) => {
    await workers.beat(presence("1", "a"), 10_000)
    await workers.leave("1")
    await workers.leave("1")
    expect(await workers.list()).toEqual([])
  },
}

/** Every promise of contracts/workers.ts. */
export const examineWorkers = (candidate: Candidate): void => ask(candidate, "workers", workerQuestions)
