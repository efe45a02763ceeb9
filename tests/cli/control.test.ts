import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeStem, type Running, type Stem, TASKS } from "./stem.ts"

let stem: Stem
let workers: Running[]
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
  workers = ["left", "right"].map((name) =>
    stem.start([
      "worker",
      "tasks.ts",
      "--name",
      name,
      "--isolates",
      "1",
      "--concurrency",
      "2",
      "--log-format",
      "json",
    ]),
  )
  await Promise.all(workers.map((worker) => worker.says('"ready"')))
  while ((await stem.json(["inspect", "workers"])).length < 2) await Bun.sleep(50)
}, 30_000)
afterAll(() => stem.remove())

test("stem control prints one line per worker", async () => {
  const { code, out, err } = await stem.run(["control", "ping"])
  expect({ code, err }).toEqual({ code: 0, err: "" })
  expect(out).toMatch(/^WORKER +ANSWER\nleft +pong\nright +pong\n$/)
  expect(await stem.json(["control", "stats", "left"])).toMatchObject([
    {
      ...{ worker: "left", answered: true, ok: true },
      stats: { name: "left", concurrency: 2, isolates: 1, modules: expect.any(String), runningCount: 0 },
    },
  ])
  expect((await stem.run(["control", "resize", "5", "left"])).out).toContain("5 at once, not 2")
  // What it has become it says right after it has answered.
  let [left, right] = await stem.json(["inspect", "workers"])
  while (left.concurrency !== 5) [left, right] = await stem.json(["inspect", "workers"])
  expect([left.concurrency, right.concurrency, left.modules === right.modules]).toEqual([5, 2, true])
  expect((await stem.run(["control", "reload", "-o", "ndjson"])).out.trim().split("\n")).toHaveLength(2)
})

test("What stem control can not do is said before anything is sent", async () => {
  for (const [args, code, says] of [
    [["ping", "lefd"], 3, "Did you mean left?"],
    [["resize", "0"], 2, "is not a whole number"],
    [["resize"], 2, "<n>"],
    [["ping", "--timeout", "soon"], 2, "--timeout"],
    [["cancel", "nobody"], 3, "nobody"],
  ] as const) {
    const ran = await stem.run(["control", ...args])
    expect({ code: ran.code, out: ran.out }).toEqual({ code, out: "" })
    expect(ran.err).toContain(says)
  }
  const alone = await stem.run(["control", "ping", "--namespace", "empty"])
  expect([alone.code, alone.err]).toEqual([3, expect.stringContaining("no worker is running")])
})

test("A task that waits is cancelled without asking a worker", async () => {
  const id = (await stem.run(["enqueue", "add", "--delay", "1h"])).out.trim()
  const { code, out, err } = await stem.run(["control", "cancel", id])
  expect({ code, out }).toEqual({ code: 0, out: "" })
  expect(err).toContain("is cancelled")
  expect((await stem.json(["result", id])).state).toBe("cancelled")
})

test("stem inspect workers shows a worker that was lost, with when it was last seen", async () => {
  const dying = stem.start([
    "worker",
    "tasks.ts",
    "--name",
    "dying",
    "--isolates",
    "1",
    "--log-format",
    "json",
  ])
  await dying.says('"ready"')
  const seen = async () => {
    const all: { name: string; state: string; seenAt: string }[] = await stem.json(["inspect", "workers"])
    return all.find(({ name }) => name === "dying")
  }
  while (!(await seen())) await Bun.sleep(50)
  dying.child.kill("SIGKILL")
  await dying.done
  while ((await seen())?.state !== "lost") await Bun.sleep(500)
  expect((await seen())?.seenAt).toMatch(/Z$/)
  const { code } = await stem.run(["control", "ping", "dying"])
  expect(code).toBe(3)
}, 60_000)

test("A quiet worker takes nothing and stays, and a stopped one leaves", async () => {
  expect((await stem.run(["control", "quiet", "left"])).out).toContain("takes nothing new")
  expect((await stem.run(["control", "stop", "right"])).out).toContain("stops")
  expect((await workers[1]?.done)?.code).toBe(0)
  const id = (await stem.run(["enqueue", "add", "a=1", "b=2"])).out.trim()
  expect((await stem.run(["result", id, "--wait=1s"])).code).toBe(5)
  expect(await stem.json(["inspect", "workers"])).toMatchObject([
    { name: "dying", state: "lost" },
    { name: "left", state: "quiet" },
  ])
  expect((await stem.run(["control", "stop", "-o", "name"])).out).toBe("left\n")
  expect((await workers[0]?.done)?.code).toBe(0)
}, 30_000)

test("A quiet worker takes work again when it is told to go on", async () => {
  const worker = stem.start([
    "worker",
    "tasks.ts",
    "--name",
    "again",
    "--isolates",
    "1",
    "--log-format",
    "json",
  ])
  await worker.says('"ready"')
  const add = async () => (await stem.run(["enqueue", "add", "a=1", "b=2"])).out.trim()
  const answer = async (order: string) => (await stem.json(["control", order, "again"]))[0]
  for (let times = 0; times < 2; times++) {
    expect(await answer("quiet")).toMatchObject({
      ok: true,
      message: expect.stringContaining("takes nothing new"),
    })
    const waits = await add()
    expect((await stem.run(["result", waits, "--wait=500ms"])).code).toBe(5)
    expect(await answer("resume")).toMatchObject({ ok: true, message: "takes work" })
    expect((await stem.run(["result", waits, "--wait=10s"])).code).toBe(0)
    expect((await stem.run(["result", await add(), "--wait=10s"])).code).toBe(0)
  }
  expect(await answer("resume")).toMatchObject({ ok: true, message: "takes work" })
  const { state } = (await stem.json(["inspect", "workers"])).find(
    ({ name }: { name: string }) => name === "again",
  )
  expect(state).toBe("running")
  await stem.run(["control", "stop", "again"])
  const { code, err } = await worker.done
  expect(code).toBe(0)
  expect(err.match(/"event":"resumed"/g)).toHaveLength(2)
}, 60_000)

test("A worker that stops is not held by a resume", async () => {
  const go = `${stem.folder}/last`
  const worker = stem.start([
    "worker",
    "tasks.ts",
    "--name",
    "last",
    "--isolates",
    "1",
    "--log-format",
    "json",
  ])
  await worker.says('"ready"')
  const id = (await stem.run(["enqueue", "until", `path=${go}`])).out.trim()
  while ((await stem.json(["inspect"])).totals.running < 1) await Bun.sleep(20)
  await stem.run(["control", "stop", "last"])
  const { code, out } = await stem.run(["control", "resume", "last", "-o", "json"])
  expect(code).toBe(1)
  expect(JSON.parse(out)[0]).toMatchObject({
    ok: false,
    message: expect.stringContaining("it stops already"),
  })
  await stem.write("last", "")
  expect((await worker.done).code).toBe(0)
  expect((await stem.json(["result", id])).state).toBe("succeeded")
}, 60_000)
