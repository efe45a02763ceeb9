import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem
const put = (...args: string[]) => stem.run(["enqueue", ...args])
const linesOf = (err: string) =>
  err
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("The first TERM lets running tasks finish", async () => {
    const path = `${stem.folder}/go-on`
    await put("until", `path=${path}`, "--queue", "term", "--id", "term")
    const worker = stem.start([
      "worker",
      "tasks.ts",
      "--queues",
      "term",
      "--isolates",
      "1",
      "--log-level",
      "debug",
    ])
    await worker.says("until started")
    worker.child.kill("SIGTERM")
    await worker.says("the next signal aborts them")
    await stem.write("go-on", "")
    const { code, err } = await worker.done
    expect(code).toBe(0)
    expect(err).toContain("stopped; everything was finished")
    expect((await stem.json(["result", "term"])).result).toBe("seen")
  }, 20_000)

  test("a second signal hands back what runs and exits with 130 or 143", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      await put("until", `path=${stem.folder}/never`, "--queue", signal, "--id", signal)
      const worker = stem.start([
        "worker",
        "tasks.ts",
        "--queues",
        signal,
        "--isolates",
        "1",
        "--log-level",
        "debug",
      ])
      await worker.says("until started")
      worker.child.kill(signal)
      await worker.says("draining")
      worker.child.kill(signal)
      const done = await worker.done
      expect(done.code).toBe(code)
      expect(done.err).toContain("aborting 1 task and handing back what does not end")
      expect(await stem.json(["result", signal])).toMatchObject({ state: "queued", attempt: 0 })
    }
  }, 30_000)

  test("--grace bounds how long a stopping worker waits; what is handed back costs nothing and exits with 0", async () => {
    await put("until", `path=${stem.folder}/never`, "--queue", "grace", "--id", "grace")
    const worker = stem.start([
      "worker",
      "tasks.ts",
      "--queues",
      "grace",
      "--grace",
      "200ms",
      "--log-level",
      "debug",
    ])
    await worker.says("until started")
    const began = performance.now()
    worker.child.kill("SIGTERM")
    const { code, err } = await worker.done
    expect(code).toBe(0)
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(err).toContain("stopped; what was unfinished was handed back")
  }, 20_000)

  test("HUP reads the modules anew while the worker goes on", async () => {
    const module = (word: string) => `export const word = () => ${JSON.stringify(word)}\n`
    await stem.write("hup.ts", module("old"))
    const worker = stem.start(["worker", "hup.ts", "--queues", "hup", "--isolates", "1"])
    const ask = async () => (await put("word", "--queue", "hup", "--wait=10s")).out
    expect(await ask()).toBe('"old"\n')
    await stem.write("hup.ts", module("new"))
    worker.child.kill("SIGHUP")
    await worker.says("the modules were read anew")
    expect(await ask()).toBe('"new"\n')
    await stem.write("hup.ts", "export const = broken")
    worker.child.kill("SIGHUP")
    await worker.says("the old ones go on")
    expect(await ask()).toBe('"new"\n')
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
  }, 30_000)

  test("A worker whose modules break takes nothing, hands back what it had, and goes on when they are mended", async () => {
    const broken = "export const pid = = 1\n"
    const sound = "export const pid = () => process.pid\n"
    await stem.write("breaks.ts", sound)
    const worker = stem.start(["worker", "breaks.ts", "--queues", "breaks", "--isolates", "1"])
    await worker.says("ready")
    const send = (id: string, ...more: string[]) => put("pid", "--queue", "breaks", "--id", id, ...more)
    const pid = Number((await send("before", "--wait=20s")).out)
    await stem.write("breaks.ts", broken)
    process.kill(pid, "SIGKILL")
    await worker.says("no isolate can be started: breaks.ts:1:")
    await send("meanwhile")
    expect(await stem.json(["result", "meanwhile"])).toMatchObject({ state: "queued", attempt: 0 })
    await stem.write("breaks.ts", `${sound}export const more = 1\n`)
    expect((await stem.run(["result", "meanwhile", "--wait=40s"])).code).toBe(0)
    expect(await stem.json(["result", "meanwhile"])).toMatchObject({ attempt: 1 })
    worker.child.kill("SIGTERM")
    const { code, err } = await worker.done
    expect(code).toBe(0)
    expect(err.match(/no isolate can be started/g)).toHaveLength(1)
    expect(err).toContain("an isolate could be started")
    expect(err).toContain("runs other code than those before it: breaks.ts changed")
  }, 60_000)

  test("the log is JSON away from a terminal, pretty when asked for, and as quiet as told", async () => {
    await put("add", "a=1", "b=1", "--queue", "log")
    await put("boom", "--queue", "log")
    const args = ["worker", "tasks.ts", "--drain", "--isolates", "1", "--queues", "log"]
    const { code, out, err } = await stem.run(args)
    expect({ code, out }).toEqual({ code: 0, out: "" })
    const lines = linesOf(err)
    expect(lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["ready", "succeeded", "failed", "stopped"]),
    )
    expect(lines.find(({ event }) => event === "succeeded")).toMatchObject({
      ...{
        level: "info",
        task: "add",
        queue: "log",
        attempt: 1,
        ms: expect.any(Number),
        id: expect.any(String),
      },
    })
    expect(lines.find(({ event }) => event === "failed")).toMatchObject({
      level: "error",
      error: { code: "ENOENT" },
    })
    expect(lines[0]).toMatchObject({ event: "ready", queues: ["log"], concurrency: expect.any(Number) })
    const pretty = await stem.run([...args, "--log-format", "pretty"])
    expect(pretty.err).toMatch(/^\d\d:\d\d:\d\d info {2}ready: 8 tasks of 1 queue \(log\)/)
    expect((await stem.run([...args, "--log-level", "warn"])).err).toBe("")
    expect(
      linesOf((await stem.run([...args, "--log-level", "debug"])).err).map(({ event }) => event),
    ).toContain("opening")
  }, 30_000)

  test("every flag of the worker is heard", async () => {
    const flags = [
      "--concurrency",
      "3",
      "--isolates",
      "2",
      "--lease",
      "5s",
      "--name",
      "heard",
      "--max-tasks",
      "1",
      "--max-rss",
      "1GB",
    ]
    const worker = stem.start(["worker", "tasks.ts", "--queues", "a=3,b=1", ...flags])
    await worker.says("ready")
    // It says that it is ready first, and writes its presence then.
    let [seen] = await stem.json(["inspect", "workers"])
    while (!seen) [seen] = await stem.json(["inspect", "workers"])
    expect(seen).toMatchObject({ name: "heard", concurrency: 3, queues: ["a", "b"], state: "running" })
    expect(seen.tasks).toContain("add")
    worker.child.kill("SIGTERM")
    expect((await worker.done).err).toContain("3 at once in 2 isolates")
    await stem.write("pid.ts", "export const pid = () => process.pid\n")
    const one = async (...more: string[]) => {
      const running = stem.start(["worker", "pid.ts", "--queues", "pids", "--isolates", "1", ...more])
      await running.says("ready")
      const pids = []
      for (let at = 0; at < 3; at++)
        pids.push(Number((await put("pid", "--queue", "pids", "--wait=10s")).out))
      running.child.kill("SIGTERM")
      await running.done
      return { own: running.child.pid, pids }
    }
    expect(new Set((await one()).pids).size).toBe(1)
    expect(new Set((await one("--max-tasks", "1")).pids).size).toBe(3)
    expect(new Set((await one("--max-rss", "1MB")).pids).size).toBeGreaterThan(1)
    const none = await one("--isolation", "none")
    expect(new Set(none.pids)).toEqual(new Set([none.own]))
  }, 60_000)

  test("--lease is how long a task of a killed worker is left alone", async () => {
    await put("until", `path=${stem.folder}/after`, "--queue", "lease", "--id", "lease", "--retries", "3")
    const args = [
      "worker",
      "tasks.ts",
      "--queues",
      "lease",
      "--isolates",
      "1",
      "--lease",
      "1s",
      "--log-level",
      "debug",
    ]
    const killed = stem.start(args)
    await killed.says("until started")
    const began = performance.now()
    killed.child.kill("SIGKILL")
    await killed.done
    const next = stem.start(args)
    await next.says("until started")
    // The default would have been half a minute.
    expect(performance.now() - began).toBeLessThan(10_000)
    await stem.write("after", "")
    expect((await stem.run(["result", "lease", "--wait=10s"])).code).toBe(0)
    expect((await stem.json(["result", "lease"])).attempt).toBe(2)
    next.child.kill("SIGTERM")
    await next.done
  }, 30_000)

  test("modules and queues can stand in stem.toml", async () => {
    await stem.write("stem.toml", 'worker.modules = ["./tasks.ts"]\nworker.queues = ["toml"]\n')
    await put("add", "a=2", "b=2", "--queue", "toml", "--id", "toml")
    expect((await stem.run(["worker", "--drain", "--isolates", "1"])).code).toBe(0)
    expect((await stem.json(["result", "toml"])).result).toBe(4)
    await stem.write("stem.toml", "")
  })
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("a module that can not be loaded starts nothing and is named with its line", async () => {
    await stem.write("broken.ts", "export const a = 1\nexport const = 2\n")
    const { code, err } = await stem.run(["worker", "broken.ts"])
    expect(code).toBe(2)
    expect(err).toContain("broken.ts:2")
  })

  test("the hidden sub-command for children is not for people", async () => {
    const { code, err } = await stem.run(["__isolate"])
    expect(code).toBe(2)
    expect(err).toContain("how `stem worker` starts its own children")
    expect((await stem.run(["--help"])).out).not.toContain("__isolate")
  })
})
