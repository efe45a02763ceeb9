import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { ownServer, SERVERS } from "./own-server.ts"
import { makeStem, type Stem, TASKS } from "./stem.ts"

let stem: Stem
beforeEach(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
})
afterEach(() => stem.remove())

const AWAY = { STEM_BROKER_URL: "redis://me:hunter2@127.0.0.1:1" }
const usual = () => join(stem.folder, "state/stem/spool.db")

test.each(SERVERS)(
  "What is enqueued while the store is away is kept, and delivered when it is back",
  async (store) => {
    await using server = await ownServer(store)
    const env = { STEM_BROKER_URL: server.url }
    await server.stop()
    const sent = await stem.run(["enqueue", "add", "a=1", "b=2", "--spool", "--priority", "7"], { env })
    expect(sent.code).toBe(0)
    expect(sent.out).toMatch(/^[\w-]{36}\n$/)
    expect(sent.err).toContain(`kept in ${usual()}\nstem spool flush delivers it`)
    const second = await stem.json(["enqueue", "add", "a=2", "b=3", "--spool", "--id", "mine"], { env })
    expect(second).toEqual({ id: "mine", task: "add", queue: "default", state: "spooled", duplicate: false })
    expect((await stem.run(["spool", "flush"], { env })).code).toBe(69)
    expect(await stem.json(["spool", "status"], { env })).toMatchObject([
      {
        store: expect.stringContaining(`127.0.0.1:${server.port}`),
        namespace: "stem",
        tasks: 2,
        oldestAt: expect.stringContaining("T"),
      },
    ])

    await server.start()
    expect(await stem.run(["spool", "flush"], { env })).toMatchObject({ code: 0, out: "2\n" })
    expect(await stem.json(["spool", "status"], { env })).toEqual([])
    expect(await stem.json(["inspect", "task", sent.out.trim()], { env })).toMatchObject({ priority: 7 })
    await stem.run(["worker", "tasks.ts", "--drain", "--isolates", "1"], { env })
    expect(await stem.json(["result", "mine"], { env })).toMatchObject({ state: "succeeded", result: 5 })
  },
  60_000,
)

test("A spool that was emptied is small again", async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"task":"add","input":{"a":${n},"b":1}}\n`)
  await stem.write("many.jsonl", lines.join(""))
  const away = { ...AWAY, STEM_SPOOL: "1" }
  expect((await stem.run(["enqueue", "--file", "many.jsonl"], { env: away })).code).toBe(0)
  const full = Bun.file(usual()).size
  const here = { STEM_BROKER_URL: `sqlite:${join(stem.folder, "here.db")}`, STEM_SPOOL: "1" }
  expect(await stem.run(["spool", "flush", "--all"], { env: here })).toMatchObject({ out: "20000\n" })
  const empty = Bun.file(usual()).size
  console.log(`a spool of 20,000 tasks: ${full >> 10} KiB, ${empty >> 10} KiB once it is empty`)
  // 4 MiB are kept for the next burst.
  expect(empty).toBeLessThan(full / 2)
}, 60_000)

test.each(SERVERS)(
  "A worker with the spool delivers what it keeps",
  async (store) => {
    await using server = await ownServer(store)
    const env = { STEM_BROKER_URL: server.url, STEM_SPOOL: join(stem.folder, "own.db") }
    await server.stop()
    expect((await stem.run(["enqueue", "add", "a=1", "b=2", "--id", "late"], { env })).code).toBe(0)
    await server.start()
    const worker = stem.start(["worker", "tasks.ts", "--isolates", "1", "--log-format", "json"], { env })
    await worker.says(
      '"event":"spool_flushed","message":"delivered 1 task that the spool had kept","count":1',
    )
    expect(await stem.run(["result", "late", "--wait=20s"], { env })).toMatchObject({ code: 0 })
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
  },
  60_000,
)

test("A file of tasks is kept line by line, and its ids stand in its order", async () => {
  const lines = Array.from({ length: 2500 }, (_, n) => JSON.stringify({ task: "t", id: `n${n}` })).join("\n")
  const { code, out, err } = await stem.run(["enqueue", "--file", "-", "--spool", "-o", "name"], {
    ...{ stdin: lines, env: AWAY },
  })
  expect(code).toBe(0)
  expect(out.trim().split("\n")).toEqual(Array.from({ length: 2500 }, (_, n) => `n${n}`))
  expect(err.match(/kept in/g)).toHaveLength(1)
  expect(err).toContain("0 accepted, 2500 kept until the store is back")
  expect(await stem.json(["spool", "status"], { env: AWAY })).toMatchObject([{ tasks: 2500 }])
  expect(JSON.parse((await stem.run(["spool", "flush", "--all", "-o", "json"])).out)).toEqual({
    ...{ delivered: 2500, left: 0 },
  })
  expect((await stem.json(["inspect"])).totals.ready).toBe(2500)
})

test("A task that is kept can not be waited for", async () => {
  const { code, out, err } = await stem.run(["enqueue", "x", "--spool", "--wait=5s", "--id", "w"], {
    env: AWAY,
  })
  expect({ code, out }).toEqual({ code: 5, out: "" })
  expect(err).toContain("task w can not be waited for: it is kept until the store is back")
  expect(await stem.json(["spool", "status"], { env: AWAY })).toMatchObject([{ tasks: 1 }])
})

test("stem doctor tells of a spool that is not empty", async () => {
  const subjects = async () =>
    ((await stem.json(["doctor"])) as { subject: string }[]).map((row) => row.subject)
  expect(await subjects()).not.toContain("spool")
  await stem.run(["enqueue", "x", "--spool"], { env: AWAY })
  const { out } = await stem.run(["doctor"])
  expect(out).toContain(
    `${usual()} keeps 1 tasks for redis://127.0.0.1:1, namespace stem. Fix: stem spool flush`,
  )
})

test("flush leaves alone what was kept for another store, and says so", async () => {
  await stem.run(["enqueue", "x", "--spool"], { env: AWAY })
  await stem.run(["enqueue", "x", "--spool", "--namespace", "other"], { env: AWAY })
  const { code, out, err } = await stem.run(["spool", "flush"])
  expect({ code, out }).toEqual({ code: 0, out: "0\n" })
  expect(err).toContain("2 are kept for other stores or namespaces")
})

test("without a spool nothing is kept, and with one that can not be written both troubles are told", async () => {
  const plain = await stem.run(["enqueue", "x"], { env: AWAY })
  expect(plain).toMatchObject({ code: 69, out: "" })
  expect(await stem.run(["spool", "status"], { env: AWAY })).toMatchObject({
    ...{ code: 0, out: "", err: `nothing is kept in ${usual()}\n` },
  })
  const both = await stem.run(["enqueue", "x", "--spool=/nowhere/spool.db"], { env: AWAY })
  expect(both).toMatchObject({ code: 69, out: "" })
  expect(both.err).toContain("redis://127.0.0.1:1 can not be reached")
  expect(both.err).toContain("the folder of /nowhere/spool.db does not exist")
})

test("A program keeps what it sends while the store is away", async () => {
  const program = `
    import { connect } from ${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))}
    const client = await connect(undefined, { spool: true, connectTimeout: "2s" })
    const sent = await client.enqueue("add", { a: 1, b: 2 }, { id: "from-program" })
    console.log(sent.kind, sent.state)
    await client.close()`
  const began = performance.now()
  const child = Bun.spawn([process.execPath, await stem.write("program.ts", program)], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: stem.folder,
      XDG_STATE_HOME: join(stem.folder, "state"),
      ...AWAY,
    },
    stdio: ["ignore", "pipe", "inherit"],
  })
  expect(await child.stdout.text()).toBe("spooled spooled\n")
  expect(await child.exited).toBe(0)
  // Nothing of the attempt to connect holds it back.
  expect(performance.now() - began).toBeLessThan(1900)
  expect(await stem.run(["spool", "flush", "--all"])).toMatchObject({ code: 0, out: "1\n" })
  expect((await stem.json(["result", "from-program"])).state).toBe("queued")
})
