import { afterEach, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fact, openScene, type Scene, STORES, type StoreName } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

const MODULE = `
import { appendFileSync } from "node:fs"
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const note = (what, id, key) => appendFileSync("runs", [what, id, key, process.ppid].join(" ") + "\\n")
const run = async ({ ms = 50, key = "-" }, ctx) => {
  note("start", ctx.id, key)
  await pause(ms)
  note("end", ctx.id, key)
}
export const rated = { rateLimit: "10/s", run: async () => null }
export const two = { concurrency: [2, { max: 1, key: "key" }], run }
export const queued = { run }
export const rare = { rateLimit: "1/h", run: async () => null }
export const plain = { run: async () => null }
`
const TOML = `
[queues.narrow]
concurrency = 3
`

async function openLimited(store: StoreName): Promise<Scene> {
  const opened = await openScene(store)
  writeFileSync(join(opened.folder, "tasks.ts"), MODULE)
  writeFileSync(join(opened.folder, "stem.toml"), TOML)
  writeFileSync(join(opened.folder, "runs"), "")
  return opened
}

/** The most runs that went on at once, by what `of` says of a run; those of the dead do not count. */
function mostAtOnce(of: (key: string) => string, dead: ReadonlySet<number> = new Set()): number {
  const now = new Map<string, number>()
  let most = 0
  for (const line of readFileSync(join(scene.folder, "runs"), "utf8").split("\n").filter(Boolean)) {
    const [what, , key, worker] = line.split(" ") as [string, string, string, string]
    if (dead.has(Number(worker))) continue
    const count = (now.get(of(key)) ?? 0) + (what === "start" ? 1 : -1)
    now.set(of(key), count)
    most = Math.max(most, count)
  }
  return most
}

const all = () => "all"

describe.each([...STORES])("on %s", (store) => {
  test("three workers share a rate: exact within one token in any span, and no attempt is paid", async () => {
    scene = await openLimited(store)
    const ids = await scene.enqueue("rated", 30)
    await Promise.all([scene.worker(), scene.worker(), scene.worker()])
    const ended = await scene.ended(ids, 30_000)
    const starts = ended.map(({ startedAt }) => startedAt as number).sort((a, b) => a - b)
    let most = 0
    starts.forEach((from, at) => {
      for (let to = at; to < starts.length; to++)
        most = Math.max(most, to - at + 1 - ((starts[to] as number) - from) / 100)
    })
    const span = (starts.at(-1) as number) - (starts[0] as number)
    console.log(`${store}: 30 starts at 10/s in ${span} ms, at most ${(most - 1).toFixed(2)} tokens too many`)
    // One token, and what a loaded machine starts later than it was granted.
    expect(most).toBeLessThan(3)
    expect(span).toBeGreaterThan(2500)
    expect(span).toBeLessThan(8000)
    expect(ended.map(({ attempt }) => attempt)).toEqual(Array(30).fill(1))
  }, 60_000)

  test("three workers share slots: of a task, of a key and of a queue", async () => {
    scene = await openLimited(store)
    const keyed = await Promise.all(["a", "a", "b", "c"].map((key) => scene.enqueue("two", 6, { key })))
    const queued = await scene.enqueue("queued", 20, { key: "q" }, { queue: "narrow" })
    const flags = ["--concurrency", "8", "--queues", "default,narrow"]
    await Promise.all([scene.worker(...flags), scene.worker(...flags), scene.worker(...flags)])
    const ended = await scene.ended([...keyed.flat(), ...queued], 40_000)
    let other = 0
    const others = () => `${other++}`
    expect(mostAtOnce((key) => (key === "q" ? others() : "two"))).toBe(2)
    expect(mostAtOnce((key) => (key === "q" ? others() : key))).toBe(1)
    expect(mostAtOnce((key) => (key === "q" ? key : others()))).toBe(3)
    expect(ended.every(({ attempt, state }) => attempt === 1 && state === "succeeded")).toBeTrue()
  }, 60_000)

  test("a killed worker's slots come back with its leases", async () => {
    scene = await openLimited(store)
    const ids = await scene.enqueue("two", 8, { ms: 1500 })
    const flags = ["--lease", "1s"]
    const victim = await scene.worker(...flags)
    // Tasks in a worker's hand are lost with it; when one runs and the others wait, that is one.
    const settled = async () => {
      const [queue] = await scene.stores.inspector.queues()
      return queue?.running === 1 && queue.scheduled === 7
    }
    await fact(settled, 10_000, "one runs, and seven wait")
    victim.kill("SIGKILL")
    await scene.worker(...flags)
    const ended = await scene.ended(ids, 40_000)
    expect(mostAtOnce(all, new Set([victim.pid]))).toBe(1)
    expect(ended.filter(({ attempt }) => attempt > 1).length).toBeLessThanOrEqual(1)
  }, 60_000)

  test("limited tasks in front do not keep an unlimited one waiting", async () => {
    scene = await openLimited(store)
    await scene.enqueue("rare", 5000)
    const [plain] = await scene.enqueue("plain", 1)
    const from = Date.now()
    await scene.worker("--concurrency", "2")
    await scene.ended([plain as string], 20_000)
    console.log(`${store}: behind 5000 limited tasks an unlimited one ended after ${Date.now() - from} ms`)
  }, 60_000)
})
