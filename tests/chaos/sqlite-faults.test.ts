import { afterEach, expect, test } from "bun:test"
import { renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type TinyDisk, tinyDisk } from "../support/tiny-disk.ts"
import { judge } from "./judge.ts"
import { fact, openScene, type Scene } from "./scene.ts"

let scene: Scene
let disk: TinyDisk | undefined
afterEach(async () => {
  await scene.close()
  disk?.remove()
  disk = undefined
})

const probe = tinyDisk(4096)
probe?.remove()
const onTinyDisk = probe ? test : test.skip
const FLAGS = ["--lease", "2s", "--concurrency", "8", "--isolates", "2"]

/** Works, suffers for longer than a lease, and is to be at work again within five seconds of the end of it. */
async function suffer(what: string, code: string, folder: string, strike: () => () => void): Promise<void> {
  const url = `sqlite:${join(folder, "stem.db")}`
  scene = await openScene({ url, workers: url })
  const busy = await scene.worker(...FLAGS, "--queues", "default,long")
  const idle = await scene.worker(...FLAGS, "--queues", "quiet")
  const short = await scene.enqueue("work", 150, { ms: 100 })
  const long = await scene.enqueue("work", 2, { ms: 5000 }, { queue: "long" })
  await fact(() => scene.journal().length > 30, 20_000, "work is under way")
  const heal = strike()
  await fact(
    () => busy.log().includes(code),
    20_000,
    () => `the busy worker says so; it said:\n${busy.log()}`,
  )
  const refused = await scene.enqueue("work", 1).catch((error) => error)
  await Bun.sleep(3000)
  heal()
  const healed = Date.now()
  const before = scene.journal().length
  await fact(() => scene.journal().length > before, 10_000, "work goes on")
  const resumed = Date.now() - healed
  const quiet = await scene.enqueue("work", 1, { ms: 1 }, { queue: "quiet" })
  const statuses = await scene.ended([...short, ...long, ...quiet], 60_000)
  const runs = scene.journal()
  const struck = new Set([busy.pid, idle.pid])
  const { duplicates } = judge(statuses, runs, struck)
  console.log(
    `sqlite ${what}: ${statuses.length} tasks, ${runs.length} runs, ${duplicates} duplicates, work resumed after ${resumed} ms`,
  )
  expect(refused).toMatchObject({ kind: "unavailable", code })
  expect(resumed).toBeLessThan(5000)
  expect(duplicates).toBeLessThanOrEqual(2 * 8)
  expect([busy.process.exitCode, idle.process.exitCode]).toEqual([null, null])
  expect(busy.log().match(/"store_lost"/g)?.length ?? 0).toBeLessThanOrEqual(3)
}

onTinyDisk(
  "workers go on by themselves after their disk was full, and nothing is lost",
  async () => {
    disk = tinyDisk(8_000_000) as TinyDisk
    const { folder } = disk
    const ballast = join(folder, "ballast")
    await suffer("full", "store_full", folder, () => {
      try {
        writeFileSync(ballast, Buffer.alloc(16_000_000))
      } catch {
        // As much as there was room for.
      }
      return () => rmSync(ballast)
    })
  },
  90_000,
)

onTinyDisk(
  "workers go on by themselves after their file was moved away and put back, and nothing is lost",
  async () => {
    disk = tinyDisk(64_000_000) as TinyDisk
    const path = join(disk.folder, "stem.db")
    await suffer("moved away", "store_gone", disk.folder, () => {
      renameSync(path, `${path}.away`)
      return () => renameSync(`${path}.away`, path)
    })
  },
  90_000,
)
