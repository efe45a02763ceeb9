import { expect } from "bun:test"
import type { Delivery } from "../../src/core/task/lease.ts"
import { failure } from "../support/settlements.ts"
import { deadLetters } from "./dead-letters.ts"
import { idsOf } from "./desk.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

const desk: Questions = {
  "queues counts every task once, by queue and by name": async ({
    store,
    task,
    take,
    settle,
    say,
    inspector,
    kill,
  }) => {
    await kill("dead")
    const early = task("ready-1")
    await store(early, "ready-2", task("later", { dueIn: 60_000 }), task("lone", { queue: "alpha" }))
    await store(task("r1", { queue: "beta" }), task("r2", { queue: "beta" }), task("run", { queue: "beta" }))
    const [r1, r2] = (await take(3, ["beta"])) as [Delivery, Delivery]
    await settle(say.retry(r1, 60_000))
    await settle(say.retry(r2))
    expect(await inspector.queues()).toMatchObject([
      { queue: "alpha", ready: 1, scheduled: 0, running: 0, retrying: 0, dead: 0, paused: false },
      { queue: "beta", ready: 0, scheduled: 0, running: 1, retrying: 2, dead: 0, paused: false },
      {
        queue: "default",
        ready: 2,
        scheduled: 1,
        running: 0,
        retrying: 0,
        dead: 1,
        oldestReadyAt: early.dueAt,
      },
    ])
  },

  "a queue is shown while it holds a task, has dead letters or is paused": async (desk) => {
    await desk.inspector.pause("paused")
    await desk.kill("dead")
    await desk.store(desk.task("a", { queue: "busy" }))
    expect((await desk.inspector.queues()).map(({ queue }) => queue)).toEqual(["busy", "default", "paused"])
    await desk.settle(desk.say.success(await desk.takeOne(["busy"])))
    await desk.deadLetters.purge(["dead"])
    await desk.inspector.resume("paused")
    expect(await desk.inspector.queues()).toEqual([])
  },

  "oldestReadyAt is when the longest-waiting ready task became due, in any priority": async (desk) => {
    await desk.store(
      desk.task("high", { priority: 9, dueIn: 20 }),
      desk.task("low", { priority: 0, dueIn: 10 }),
    )
    expect((await desk.inspector.queues())[0]?.oldestReadyAt).toBeUndefined()
    const due = desk.clock.now() + 10
    await desk.advance(30)
    const at = (await desk.inspector.queues())[0]?.oldestReadyAt as number
    expect(at).toBeLessThanOrEqual(due)
    expect((await desk.inspector.list({ limit: 1 }))[0]?.status.dueAt).toBe(at)
  },

  "ended counts what is remembered, by state": async (desk) => {
    await desk.kill("dead")
    await desk.store("a", "b", "c")
    await desk.settle(desk.say.success((await desk.take(1))[0] as Delivery))
    await desk.broker.cancel(["b"], { terminate: false })
    expect(await desk.inspector.ended()).toEqual({ succeeded: 1, failed: 1, cancelled: 1, expired: 0 })
    const later = desk.clock.now() + 60_000
    await desk.results.prune({ succeededBefore: later, otherBefore: 0, max: 10 })
    expect(await desk.inspector.ended()).toMatchObject({ succeeded: 0, failed: 1 })
  },

  "find answers live tasks by id, in order, undefined where none is live": async (desk) => {
    await desk.store("a", "b")
    await desk.settle(desk.say.success((await desk.take(1))[0] as Delivery))
    const [b, nobody, a] = await desk.inspector.find(["b", "nobody", "a"])
    expect(b?.envelope.id).toBe("b")
    expect([nobody, a]).toEqual([undefined, undefined])
  },

  "a live task shows its state, attempt, token, worker, times, parent and progress": async (desk) => {
    const envelope = desk.task("a", { parent: "root", dueIn: 300 })
    await desk.store(envelope)
    const same = { v: 1, id: "a", task: "image.resize", queue: "default", parent: "root" } as const
    const { enqueuedAt, dueAt } = envelope
    expect(await desk.see("a")).toEqual({
      ...{ ...same, state: "scheduled", attempt: 0, token: 0, enqueuedAt, dueAt },
    })
    await desk.advance(301)
    const delivery = await desk.takeOne()
    const progress = { value: 1, at: 1 }
    await desk.broker.renew([{ lease: delivery.lease, progress }], desk.leaseMs)
    const running = await desk.see("a")
    expect(running).toEqual({
      ...{ ...same, state: "running", attempt: 1, token: 1, enqueuedAt, worker: "worker-1", progress },
      startedAt: expect.any(Number),
    })
    await desk.settle(desk.say.retry(delivery, 0, failure("once")))
    expect(await desk.see("a")).toEqual({
      ...{ ...same, state: "retrying", attempt: 1, token: 1, enqueuedAt, progress, error: failure("once") },
      ...{ startedAt: running?.startedAt, dueAt: expect.any(Number) },
    })
  },

  "list gives live tasks, the earliest due first, at most limit": async ({
    store,
    task,
    take,
    inspector,
  }) => {
    await store(task("c", { dueIn: 300, priority: 9 }), task("b", { dueIn: 200 }), task("a", { queue: "x" }))
    await store(task("running", { queue: "y" }), task("d", { dueIn: 400, queue: "x", priority: 1 }))
    await take(1, ["y"])
    expect(idsOf(await inspector.list({ limit: 10 }))).toEqual(["a", "running", "b", "c", "d"])
    expect(idsOf(await inspector.list({ limit: 3 }))).toEqual(["a", "running", "b"])
  },

  "list filters by state, task, queue and the instant a task is due": async ({
    store,
    task,
    take,
    inspector,
    clock,
  }) => {
    const now = clock.now()
    await store(task("run", { queue: "y" }), task("x", { task: "other" }), task("late", { dueIn: 50_000 }))
    await take(1, ["y"])
    const ids = async (filter: object) => idsOf(await inspector.list({ limit: 10, ...filter }))
    expect(await ids({ states: ["running"] })).toEqual(["run"])
    expect(await ids({ states: ["scheduled", "queued"] })).toEqual(["x", "late"])
    expect(await ids({ states: ["retrying", "failed"] })).toEqual([])
    expect(await ids({ task: "other" })).toEqual(["x"])
    expect(await ids({ queue: "y" })).toEqual(["run"])
    expect(await ids({ since: now + 40_000 })).toEqual(["late"])
    expect(await ids({ until: now + 40_000 })).toEqual(["run", "x"])
  },

  "a paused queue gives nothing until it is resumed, in every opening of the store": async (desk) => {
    const other = await desk.again()
    await desk.store("a", desk.task("b", { queue: "free" }))
    expect(await desk.inspector.pause("default")).toBeTrue()
    expect(await desk.inspector.pause("default")).toBeFalse()
    for (const { broker } of [desk.driver, other])
      expect((await broker.reserve(desk.ask(5, ["default"]))).deliveries).toEqual([])
    expect((await desk.inspector.queues()).find(({ queue }) => queue === "default")?.paused).toBeTrue()
    expect(idsOf(await desk.take(5, ["default", "free"]))).toEqual(["b"])
    expect(await other.inspector.resume("default")).toBeTrue()
    expect(await desk.inspector.resume("default")).toBeFalse()
    expect(idsOf(await desk.take())).toEqual(["a"])
  },

  "a paused queue lets running tasks finish and takes new ones in": async (desk) => {
    await desk.store("a")
    const delivery = await desk.takeOne()
    await desk.inspector.pause("default")
    expect(await desk.store("b")).toMatchObject([{ kind: "stored" }])
    expect(await desk.settle(desk.say.success(delivery))).toBe("settled")
  },

  "purge ends every waiting task of the queue as cancelled and leaves the running alone": async (desk) => {
    await desk.store(
      "run",
      "ready",
      desk.task("later", { dueIn: 60_000 }),
      desk.task("x", { queue: "other" }),
    )
    const [run] = (await desk.take(1)) as [Delivery]
    expect(await desk.inspector.purge("default", 100)).toBe(2)
    expect(await desk.results.get(["ready", "later"])).toMatchObject([
      { state: "cancelled", finishedAt: desk.clock.now() },
      { state: "cancelled" },
    ])
    expect(await desk.settle(desk.say.success(run))).toBe("settled")
    expect(idsOf(await desk.take(10, ["default", "other"]))).toEqual(["x"])
  },

  "purge ends at most max, the earliest stored first, and answers how many": async ({
    store,
    inspector,
    take,
  }) => {
    await store("a", "b", "c")
    expect(await inspector.purge("default", 2)).toBe(2)
    expect(idsOf(await take())).toEqual(["c"])
    expect(await inspector.purge("never-heard-of", 2)).toBe(0)
  },

  "purge takes a task that has the id of one that is gone for what it is": async (desk) => {
    await desk.store("a", "b")
    expect(await desk.inspector.purge("default", 1)).toBe(1)
    // Nothing tells of its end, so its id is free.
    const [run] = await desk.take()
    await desk.settle({ ...desk.say.success(run as Delivery), status: undefined })
    await desk.store("c")
    await desk.store("b")
    expect(await desk.inspector.purge("default", 1)).toBe(1)
    expect(idsOf(await desk.take())).toEqual(["b"])
  },
}

export const inspectorQuestions: readonly Questions[] = [desk, deadLetters]

/** Every promise of contracts/inspector.ts. */
export function examineInspector(candidate: Candidate): void {
  ask(candidate, "inspector", desk)
  ask(candidate, "dead letters", deadLetters)
}
