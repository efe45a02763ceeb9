import { expect } from "bun:test"
import { failure } from "../support/settlements.ts"
import { type Desk, idsOf } from "./desk.ts"
import type { Questions } from "./exam.ts"

/** Dead letters of two tasks in two queues, an instant apart. */
async function graveyard({ store, task, take, settle, say, advance, clock }: Desk): Promise<number> {
  await store(task("a", { queue: "x", task: "mail.send" }))
  for (const one of await take(1, ["x"]))
    await settle(say.burial(one, failure("Disk FULL", { code: "ENOSPC" })))
  await advance(10)
  const between = clock.now()
  await advance(10)
  await store(task("b", { queue: "y" }))
  for (const one of await take(1, ["y"]))
    await settle(say.burial(one, failure("100% wrong_", { name: "Übel" })))
  return between
}

export const deadLetters: Questions = {
  "list gives dead letters, latest first, at most limit; count counts them": async (desk) => {
    await graveyard(desk)
    expect(idsOf(await desk.deadLetters.list({ limit: 10 }))).toEqual(["b", "a"])
    expect(idsOf(await desk.deadLetters.list({ limit: 1 }))).toEqual(["b"])
    expect(await desk.deadLetters.count({})).toBe(2)
  },

  "list and count filter by queue, task and the instant of death": async (desk) => {
    const between = await graveyard(desk)
    for (const [filter, ids] of [
      [{ queue: "x" }, ["a"]],
      [{ queue: "never-heard-of" }, []],
      [{ task: "image.resize" }, ["b"]],
      [{ since: between }, ["b"]],
      [{ until: between }, ["a"]],
      [{ since: between, queue: "x" }, []],
    ] as const) {
      expect(idsOf(await desk.deadLetters.list({ ...filter, limit: 10 }))).toEqual([...ids])
      expect(await desk.deadLetters.count(filter)).toBe(ids.length)
    }
  },

  "list and count look for a text in the error's name, code and message, in any case": async (desk) => {
    await graveyard(desk)
    for (const [error, ids] of [
      ["disk full", ["a"]],
      ["enospc", ["a"]],
      ["TYPE", ["a"]],
      ["übel", ["b"]],
      ["0% WRONG_", ["b"]],
      ["%", ["b"]],
      ["nothing like it", []],
    ] as const) {
      expect(idsOf(await desk.deadLetters.list({ error, limit: 10 }))).toEqual([...ids])
      expect(await desk.deadLetters.count({ error })).toBe(ids.length)
    }
  },

  "get answers one dead letter, or undefined": async (desk) => {
    await desk.kill("a", "why")
    expect(await desk.deadLetters.get("a")).toMatchObject({ id: "a", error: { message: "why" }, attempts: 1 })
    expect(await desk.deadLetters.get("nobody")).toBeUndefined()
  },

  "replay puts a task back with its id, its attempts anew and a trail": async (desk) => {
    await desk.kill("a", "why")
    const letter = await desk.deadLetters.get("a")
    const dueAt = desk.clock.now()
    expect(await desk.deadLetters.replay([{ id: "a", dueAt }])).toEqual(["a"])
    const trail = [{ at: expect.any(Number), diedAt: letter?.diedAt as number, error: "why" }]
    expect(await desk.see("a")).toMatchObject({
      state: "queued",
      attempt: 0,
      token: 1,
      dueAt,
      replays: trail,
    })
    expect((await desk.see("a"))?.error).toBeUndefined()
    expect(await desk.deadLetters.get("a")).toBeUndefined()
    expect(await desk.takeOne()).toMatchObject({
      ...{ attempt: 1, reclaimed: false, lease: { token: 2 }, envelope: letter?.envelope, replays: trail },
    })
  },

  "a replayed task is no longer failed for those who ask or wait for its result": async (desk) => {
    await desk.kill("a")
    await desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }])
    expect(await desk.results.get(["a"])).toEqual([undefined])
    const ended = desk.results.wait("a", 1e15)
    expect(await desk.resolved(ended)).toBeFalse()
    await desk.settle(desk.say.success(await desk.takeOne(), "at last"))
    expect(await ended).toMatchObject({ state: "succeeded", result: "at last" })
  },

  "the trail of replays grows, in the letter and in the final status": async (desk) => {
    await desk.kill("a", "first")
    for (const message of ["second", "third"]) {
      await desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }])
      await desk.settle(desk.say.burial(await desk.takeOne(), failure(message)))
    }
    const errors = [{ error: "first" }, { error: "second" }]
    expect((await desk.deadLetters.get("a"))?.replays).toMatchObject(errors)
    expect((await desk.see("a"))?.replays).toMatchObject(errors)
  },

  "replay may be for later, and may replace the input and only it": async (desk) => {
    await desk.kill("a")
    const envelope = (await desk.deadLetters.get("a"))?.envelope
    const dueAt = desk.clock.now() + 300
    await desk.deadLetters.replay([{ id: "a", dueAt, edit: { input: { fixed: true } } }])
    expect(await desk.see("a")).toMatchObject({ state: "scheduled", dueAt })
    expect(await desk.take()).toEqual([])
    await desk.advance(301)
    expect((await desk.takeOne()).envelope).toEqual({
      ...(envelope as object),
      input: { fixed: true },
    } as never)
  },

  "replay keeps the queue and the priority": async (desk) => {
    await desk.store(desk.task("a", { queue: "x", priority: 9 }))
    for (const one of await desk.take(1, ["x"])) await desk.settle(desk.say.burial(one))
    await desk.store(desk.task("b", { queue: "x", priority: 8 }))
    await desk.deadLetters.replay([{ id: "a", dueAt: desk.clock.now() }])
    expect(idsOf(await desk.take(2, ["x"]))).toEqual(["a", "b"])
  },

  "replay leaves out what is gone, and a letter asked for twice comes back once": async (desk) => {
    await desk.kill("a")
    const dueAt = desk.clock.now()
    const asks = ["nobody", "a", "a"].map((id) => ({ id, dueAt }))
    expect(await desk.deadLetters.replay(asks)).toEqual(["a"])
    expect(await desk.take()).toHaveLength(1)
  },

  "purge forgets dead letters and leaves their statuses": async (desk) => {
    await desk.kill("a")
    await desk.kill("b")
    expect(await desk.deadLetters.purge(["a", "nobody", "a"])).toBe(1)
    expect(idsOf(await desk.deadLetters.list({ limit: 10 }))).toEqual(["b"])
    expect((await desk.see("a"))?.state).toBe("failed")
    expect(await desk.store("a")).toMatchObject([{ kind: "duplicate", state: "failed" }])
  },

  "prune removes what died before its instant, at most max, the earliest first": async (desk) => {
    const between = await graveyard(desk)
    await desk.advance(10)
    await desk.kill("c")
    expect(await desk.deadLetters.prune(between, 10)).toBe(1)
    expect(await desk.deadLetters.prune(desk.clock.now() + 1000, 1)).toBe(1)
    expect(idsOf(await desk.deadLetters.list({ limit: 10 }))).toEqual(["c"])
  },
}
