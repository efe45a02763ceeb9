import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  const enqueue = async (...args: string[]) => (await stem.run(["enqueue", ...args])).out.trim()
  const idsOf = async (...args: string[]) => {
    const { code, out } = await stem.run(["inspect", "tasks", ...args, "-o", "name"])
    expect(code).toBe(0)
    return out === "" ? [] : out.trimEnd().split("\n")
  }

  test("A result is readable from another process", async () => {
    const id = await enqueue("add", "a=1", "b=2")
    expect(await stem.json(["result", id])).toEqual({
      ...{ id, task: "add", queue: "default", state: "queued", attempt: 0, input: { a: 1, b: 2 } },
      ...{ enqueuedAt: expect.any(String), dueAt: expect.any(String), startedAt: null, finishedAt: null },
      ...{ worker: null, parent: null, group: null },
    })
    await stem.drain("tasks.ts", "--name", "tester")
    expect(await stem.json(["result", id])).toEqual({
      ...{ id, task: "add", queue: "default", state: "succeeded", attempt: 1, result: 3 },
      enqueuedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      worker: expect.stringContaining("tester"),
      parent: null,
      group: null,
    })
    const { out } = await stem.run(["result", id])
    expect(out).toMatch(/^state +succeeded$/m)
    expect(out).toMatch(/^result +3$/m)
  })

  test("A task that failed tells its error with name, message, code and stack", async () => {
    const id = await enqueue("boom", "id=7")
    await stem.drain()
    const { state, error, input } = await stem.json(["result", id])
    expect({ state, input }).toEqual({ state: "failed", input: { id: 7 } })
    expect(error).toMatchObject({ name: "TypeError", message: "no such file: 'a-7.png'", code: "ENOENT" })
    expect(error.stack).toContain("tasks.ts")
  })

  test("An unknown id exits with 3", async () => {
    for (const args of [
      ["result", "nobody"],
      ["result", "nobody", "--wait"],
      ["inspect", "task", "nobody"],
      ["cancel", "nobody"],
      ["dlq", "show", "nobody"],
      ["dlq", "replay", "nobody"],
      ["dlq", "purge", "nobody"],
    ]) {
      const { code, out, err } = await stem.run(args)
      expect({ args, code }).toEqual({ args, code: 3 })
      if (args[0] === "cancel") expect(out).toContain("not known")
      else expect(err).toContain("the id nobody")
    }
  })

  test("Waiting ends when the task ends in another process", async () => {
    const good = await enqueue("add", "a=1", "b=1")
    const bad = await enqueue("boom")
    const waiting = [
      stem.run(["result", good, "--wait"]),
      stem.run(["result", bad, "--wait=20s", "-o", "json"]),
    ]
    await stem.drain()
    const [first, second] = await Promise.all(waiting)
    expect(first).toMatchObject({ code: 0, err: "" })
    expect(first?.out).toMatch(/^result +2$/m)
    expect(second?.code).toBe(4)
    expect(JSON.parse(second?.out ?? "").state).toBe("failed")
    expect(second?.err).toContain(`task ${bad} failed: ENOENT`)
  })

  test("Waiting too long exits with 5", async () => {
    const id = await enqueue("add", "--queue", "nobody")
    const { code, out, err } = await stem.run(["result", id, "--wait=200ms"])
    expect(code).toBe(5)
    expect(out).toMatch(/^state +queued$/m)
    expect(err).toContain(`Wait again with: stem result ${id} --wait`)
  })

  test("a waiting task that is cancelled ends at once, an ended one is told as ended", async () => {
    const id = await enqueue("add", "--queue", "nobody")
    expect(await stem.json(["cancel", id])).toEqual([{ id, outcome: "cancelled" }])
    expect((await stem.json(["result", id])).state).toBe("cancelled")
    expect(await stem.json(["cancel", id])).toEqual([{ id, outcome: "ended" }])
    const waited = await stem.run(["result", id, "--wait"])
    expect(waited.code).toBe(4)
    expect(waited.err).toContain(`task ${id} was cancelled`)
  })

  test("cancel asks a running task to stop; --terminate kills one that does not listen", async () => {
    await stem.write(
      "deaf.ts",
      "export const deaf = { retries: 0, run: () => { for (;;); } }\nexport const polite = { retries: 0, run: (_: unknown, ctx: any) => new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason))) }\n",
    )
    const ids = [await enqueue("polite", "--queue", "c"), await enqueue("deaf", "--queue", "c")] as [
      string,
      string,
    ]
    const worker = stem.start([
      "worker",
      "deaf.ts",
      "--queues",
      "c",
      "--isolates",
      "2",
      "--lease",
      "1s",
      "--log-level",
      "debug",
    ])
    await worker.says("polite started")
    await worker.says("deaf started")
    expect(await stem.json(["cancel", ids[0]])).toEqual([{ id: ids[0], outcome: "asked" }])
    expect((await stem.run(["result", ids[0], "--wait=10s"])).code).toBe(4)
    await stem.run(["cancel", "--terminate", ids[1]])
    expect((await stem.run(["result", ids[1], "--wait=10s"])).code).toBe(4)
    for (const id of ids) expect((await stem.json(["result", id])).state).toBe("cancelled")
    worker.child.kill("SIGTERM")
    await worker.done
  }, 30_000)

  test("The overview counts waiting, running, retrying and dead tasks", async () => {
    const namespace = ["--namespace", stem.beside("overview")]
    const put = (...args: string[]) => stem.run(["enqueue", ...args, ...namespace])
    await put("boom")
    await put("add", "a=1", "b=1")
    await stem.drain("tasks.ts", ...namespace)
    await put("boom", "--retries", "5")
    await put("until", `path=${stem.folder}/never`)
    const worker = stem.start([
      "worker",
      "tasks.ts",
      "--isolates",
      "1",
      "--name",
      "seen",
      "--log-level",
      "debug",
      ...namespace,
    ])
    await worker.says("until started")
    await worker.says("is tried again")
    await put("add", "--queue", "other")
    await put("add", "--delay", "1h")
    await put("add", "--queue", "other", "--id", "gone")
    await stem.run(["cancel", "gone", ...namespace])
    const seen = await stem.json(["inspect", ...namespace])
    expect(seen.totals).toEqual({
      ...{ ready: 1, scheduled: 1, running: 1, retrying: 1, dead: 1 },
      ...{ succeeded: 1, failed: 1, cancelled: 1, expired: 0 },
    })
    expect(seen.queues.map(({ queue }: { queue: string }) => queue)).toEqual(["default", "other"])
    expect(seen.queues[1]).toEqual({
      ...{ queue: "other", ready: 1, scheduled: 0, running: 0, retrying: 0, dead: 0, paused: false },
      oldestReadyAt: expect.any(String),
    })
    expect(seen.workers[0]).toMatchObject({ name: "seen", state: "running", queues: ["default", "special"] })
    expect(await stem.json(["inspect", "queues", ...namespace])).toEqual(seen.queues)
    const table = await stem.run(["inspect", ...namespace])
    expect(table.out).toContain("Ended and remembered: 1 succeeded, 1 failed, 1 cancelled, 0 expired")
    expect((await stem.run(["health", "--worker", "seen", ...namespace])).code).toBe(0)
    worker.child.kill("SIGKILL")
    await worker.done
  }, 30_000)

  test("tasks are found by state, task, queue and time, at most --limit", async () => {
    const namespace = ["--namespace", stem.beside("filters")]
    const put = (...args: string[]) => stem.run(["enqueue", ...args, ...namespace])
    for (const id of ["a", "b"]) await put("echo", "--id", id)
    await stem.drain("tasks.ts", ...namespace)
    await put("add", "--id", "c", "--queue", "q")
    await put("echo", "--id", "d", "--delay", "1h")
    const ids = (...args: string[]) => idsOf(...args, ...namespace)
    expect((await ids()).sort()).toEqual(["a", "b", "c", "d"])
    expect(await ids("--state", "scheduled")).toEqual(["d"])
    expect((await ids("--state", "scheduled,queued")).sort()).toEqual(["c", "d"])
    expect((await ids("--state", "succeeded", "--state", "queued")).sort()).toEqual(["a", "b", "c"])
    expect(await ids("--queue", "q")).toEqual(["c"])
    expect(await ids("--task", "add")).toEqual(["c"])
    expect(await ids("--limit", "3")).toHaveLength(3)
    expect((await ids("--state", "succeeded", "--since", "1h")).sort()).toEqual(["a", "b"])
    expect(await ids("--state", "succeeded", "--until", "1h")).toEqual([])
  }, 20_000)
})
