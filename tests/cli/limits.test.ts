import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STORES, type Stem } from "./stem.ts"

const MODULE = `
export const rare = { name: "rare", rateLimit: { limit: "1/h", key: (input) => input.tenant }, run: () => "ran" }
export const bad = { name: "bad", retries: 0, concurrency: { max: 1, key: () => undefined }, run: () => "ran" }
`

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("limited.ts", MODULE)
  })
  afterAll(() => stem.remove())

  const enqueue = async (...args: string[]) => (await stem.run(["enqueue", ...args])).out.trim()

  test("stem hasten makes a waiting task due now, and says which does not wait", async () => {
    const id = await enqueue("rare", "tenant=h", "--delay", "1h")
    expect(await stem.json(["hasten", id])).toEqual([{ id, outcome: "hastened" }])
    expect((await stem.json(["result", id])).state).toBe("queued")
    const again = await stem.run(["hasten", id, "nobody", "-o", "json"])
    expect(again.code).toBe(3)
    expect(JSON.parse(again.out)).toEqual([
      { id, outcome: "not_waiting" },
      { id: "nobody", outcome: "not_waiting" },
    ])
    await stem.run(["cancel", id])
  })

  test("a key that can not be made fails its task as a failure of its own", async () => {
    const id = await enqueue("bad")
    await stem.run(["worker", "limited.ts", "--drain"])
    expect(await stem.json(["result", id])).toMatchObject({
      state: "failed",
      error: { code: "invalid_limit_key" },
    })
  })
})

describe("the limits of queues in stem.toml", () => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem("sqlite")
  })
  afterAll(() => stem.remove())

  test("stem config shows them, and what is wrong in them is told with its place", async () => {
    await stem.write(
      "stem.toml",
      '[queues.media]\nrate-limit = { limit = "100/m", burst = 5 }\nconcurrency = 4\n',
    )
    const shown = (await stem.json(["config"])) as unknown as { key: string; value: unknown }[]
    expect(shown.find(({ key }) => key === "queues.media")).toMatchObject({
      value: { "rate-limit": { limit: "100/m", burst: 5 }, concurrency: 4 },
      source: "file",
    })
    for (const [text, what] of [
      ['[queues.media]\nrate-limit = "fast"', 'queues.media: rate-limit: "fast" is not a rate'],
      ["[queues.media]\nconcurrency = 0", "queues.media: concurrency: 0 is not a whole number from 1 on"],
      ["[queues.media]\nrate = 5", 'queues.media: "rate" is no field of a queue'],
      ['[aliases]\npics = "media"\n[queues.pics]\nconcurrency = 1', 'queues.pics: "pics" is an alias'],
      ["queues = 5", "queues: it is no table"],
      ['[queues.media]\nrate-limit = { limit = "1/s", bust = 2 }', '"bust" is no field of it'],
      ['[queues.media]\nrate-limit = { limit = "1/s", burst = 0 }', "burst: 0 is not a whole number"],
    ] as const) {
      await stem.write("stem.toml", text)
      const refused = await stem.run(["config"])
      expect(refused.code).toBe(2)
      expect(refused.err).toContain(what)
    }
  })
})

test("A key that is never made keeps no other task waiting, with limits or without", async () => {
  const stem = await makeStem()
  try {
    await stem.write(
      "keys.ts",
      `import { defineTask } from "stem"
       const key = (input: string) => { if (input === "loop") for (;;); return input }
       export const keyed = defineTask({ name: "keyed", retries: 0, rateLimit: { limit: "100/s", key }, run: () => 1 })
       export const limited = defineTask({ name: "limited", rateLimit: "100/s", run: () => 2 })
       export const plain = () => 3`,
    )
    const worker = stem.start([
      "worker",
      "keys.ts",
      "--concurrency",
      "4",
      "--isolates",
      "1",
      "--log-format",
      "json",
    ])
    await worker.says('"ready"')
    const send = async (task: string, input: string) =>
      (await stem.run(["enqueue", task, JSON.stringify(input)])).out.trim()
    const ended = async (id: string) => (await stem.run(["result", id, "--wait=20s"])).code
    for (let round = 0; round < 2; round++) {
      const endless = await send("keyed", "loop")
      for (const task of ["plain", "limited"])
        for (let n = 0; n < 3; n++) expect(await ended(await send(task, "x"))).toBe(0)
      expect(["queued", "running"]).toContain((await stem.json(["result", endless])).state)
      expect(await ended(endless)).toBe(4)
      expect((await stem.json(["result", endless])).error.code).toBe("limit_key_timeout")
    }
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
  } finally {
    await stem.remove()
  }
}, 60_000)
