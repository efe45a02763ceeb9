import { expect } from "bun:test"
import type { Presence } from "../../src/core/contracts/workers.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const presence = (id: string, name: string, more: Partial<Presence> = {}): Presence => ({
  ...{ v: 1, id, name, host: "h", pid: 1, version: "0.1.0", state: "running", queues: ["default"] },
  ...{ concurrency: 4, tasks: ["image.resize"], running: [{ id: "a", task: "image.resize", startedAt: 5 }] },
  ...{ done: { succeeded: 1, failed: 0, retried: 2 }, startedAt: 1, seenAt: 2, rssBytes: 3, ...more },
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

  "a worker that leaves is gone at once, and may leave twice": async ({ workers }) => {
    await workers.beat(presence("1", "a"), 10_000)
    await workers.leave("1")
    await workers.leave("1")
    expect(await workers.list()).toEqual([])
  },
}

/** Every promise of contracts/workers.ts. */
export const examineWorkers = (candidate: Candidate): void => ask(candidate, "workers", workerQuestions)
