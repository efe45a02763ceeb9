import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { Redis } from "ioredis"
import { makeStem, type Stem, TASKS } from "./stem.ts"

/** A server of 16 MB that throws nothing away; nobody else fills it. */
const SMALL = process.env.STEM_TEST_REDIS_SMALL_URL || "redis://127.0.0.1:56381"

let stem: Stem
let server: Redis
beforeEach(async () => {
  stem = await makeStem()
  server = new Redis(SMALL)
  await server.flushall()
  await stem.write("tasks.ts", `${TASKS}\nexport const length = (text: string) => text.length\n`)
})
afterEach(async () => {
  await stem.remove()
  await server.flushall()
  server.disconnect()
})

const env = { STEM_BROKER_URL: SMALL, STEM_NAMESPACE: `full-${crypto.randomUUID()}` }
const lines = (count: number, bytes: number) =>
  Array.from({ length: count }, () => JSON.stringify({ task: "length", input: "x".repeat(bytes) })).join("\n")

test("A full Redis takes nothing in and says so; what was accepted is done, and that makes room", async () => {
  const go = join(stem.folder, "go")
  const held = ["held-1", "held-2"]
  for (const id of held)
    expect((await stem.run(["enqueue", "until", `path=${go}`, "--id", id], { env })).code).toBe(0)
  const worker = stem.start(
    ["worker", "tasks.ts", "--isolates", "1", "--concurrency", "2", "--log-format", "json"],
    { env },
  )
  await worker.says(`"event":"ready"`)
  const running = async () => (await stem.json(["inspect"], { env })).totals.running
  while ((await running()) < held.length) await Bun.sleep(20)

  // By thousands first, then one by one until the last byte: each of the refused is told, with the way out.
  const filled = await stem.run(["enqueue", "--file", "-"], { env, stdin: lines(4000, 8000) })
  expect(filled.code).toBe(69)
  expect(filled.err).toContain("tasks before it were accepted")
  let one = filled
  let singles = 0
  for (;;) {
    one = await stem.run(["enqueue", "length", "-"], { env, stdin: JSON.stringify("y".repeat(200_000)) })
    if (one.code !== 0) break
    singles += 1
    expect(singles).toBeLessThan(100)
  }
  expect(one).toMatchObject({ code: 69, out: "" })
  expect(one.err).toContain("has no memory left: its maxmemory is reached\nRaise maxmemory")

  // Those that ran meanwhile end, the worker goes on with the others, and all that was accepted succeeds.
  const accepted = (await stem.json(["inspect"], { env })).totals.ready
  expect(accepted).toBeGreaterThan(singles)
  await stem.write("go", "")
  for (const id of held)
    expect(await stem.run(["result", id, "--wait=20s"], { env })).toMatchObject({
      ...{ code: 0, out: expect.stringContaining("succeeded") },
    })
  const ended = async () => (await stem.json(["inspect"], { env })).totals.succeeded
  while ((await ended()) < accepted + held.length) await Bun.sleep(50)
  expect(await stem.run(["enqueue", "add", "a=1", "b=2", "--wait=20s"], { env })).toMatchObject({
    ...{ code: 0, out: "3\n" },
  })
  worker.child.kill("SIGTERM")
  expect((await worker.done).code).toBe(0)
}, 60_000)

test("With a spool, what a full Redis refuses is kept, and delivered when there is room", async () => {
  const spooled = { ...env, STEM_SPOOL: join(stem.folder, "spool.db") }
  let kept = await stem.run(["enqueue", "--file", "-"], { env, stdin: lines(4000, 8000) })
  do
    kept = await stem.run(["enqueue", "length", "-"], {
      env: spooled,
      stdin: JSON.stringify("y".repeat(200_000)),
    })
  while (!kept.err.includes("kept in"))
  expect(kept.code).toBe(0)
  expect((await stem.run(["spool", "flush"], { env: spooled })).code).toBe(69)
  expect((await stem.run(["queue", "purge", "default", "--yes"], { env })).code).toBe(0)
  expect(await stem.run(["spool", "flush"], { env: spooled })).toMatchObject({ code: 0, out: "1\n" })
}, 60_000)
