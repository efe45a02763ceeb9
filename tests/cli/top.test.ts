import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STEM_LINE, STORES, type Stem, TASKS } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("stem top shows queues, workers and what runs, at one look away from a terminal", async () => {
    const never = `path=${stem.folder}/never`
    await stem.run(["enqueue", "until", never, "--id", "runs"])
    await stem.run(["enqueue", "until", never, "--id", "waits"])
    const worker = stem.start([
      ...["worker", "tasks.ts", "--concurrency", "1", "--name", "one", "--log-level", "debug"],
    ])
    await worker.says("until started")
    let seen = await stem.json(["top"])
    // A worker says every few seconds what it runs.
    while (seen.running.length === 0) seen = await stem.json(["top"])
    expect(seen).toMatchObject({
      queues: [{ queue: "default", ready: 1, running: 1 }],
      workers: [{ name: "one", concurrency: 1, perSecond: { succeeded: 0, failed: 0, retried: 0 } }],
      running: [{ id: "runs", task: "until", worker: "one", ageMs: expect.any(Number) }],
      totals: { ready: 1, running: 1, workers: 1, concurrency: 1 },
    })
    const { code, out } = await stem.run(["top"])
    expect(code).toBe(0)
    expect(out).toMatch(/1 worker {2}1\/1 running {2}1 ready/)
    expect(out).toMatch(/until {2}one {5}runs/)
    const line = await stem.run(["top", "--once", "-o", "ndjson"])
    expect(JSON.parse(line.out).totals.ready).toBe(1)
    // A dead worker does not hold it up.
    worker.child.kill("SIGKILL")
    await worker.done
    expect((await stem.json(["top"])).totals.ready).toBe(1)
  }, 40_000)

  test("stem top draws again and again on a terminal, in the same place", async () => {
    const child = Bun.spawn(
      ["timeout", "3", "script", "-qec", `${STEM_LINE} top --every 100ms`, "/dev/null"],
      {
        cwd: stem.folder,
        env: { PATH: process.env.PATH, HOME: stem.folder, TERM: "xterm", ...stem.env },
        stdout: "pipe",
        stderr: "ignore",
      },
    )
    const shown = await child.stdout.text()
    expect(shown.split("\u001b[H").length).toBeGreaterThan(3)
    expect(shown).toContain("QUEUE")
  }, 20_000)
})

test.each([[["--once", "--every", "1s"]], [["--every", "10ms", "-o", "ndjson"]], [["--output", "name"]]])(
  "stem top %j is refused",
  async (flags) => {
    const stem = await makeStem()
    expect((await stem.run(["top", ...flags])).code).toBe(2)
    await stem.remove()
  },
)
