import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import { open } from "../../src/adapters/sqlite/driver.ts"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { type Child, startChild } from "../support/child.ts"
import { tasksBy } from "../support/envelopes.ts"
import { eventually } from "../support/redis-server.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"
import { thrown } from "../support/thrown.ts"
import { tinyDisk } from "../support/tiny-disk.ts"

const task = tasksBy(clock)
let file: SqliteFile
let holder: Child | undefined

beforeEach(() => {
  file = sqliteFile()
})
afterEach(async () => {
  await holder?.kill()
  holder = undefined
  await file.remove()
})

const probe = tinyDisk(4096)
probe?.remove()
const onTinyDisk = probe ? test : test.skip
const needs = probe ? "" : " (left out: this user may not mount)"

describe("sqlite in trouble", () => {
  onTinyDisk(
    `a full disk refuses tasks, loses none, and takes them again when it has room${needs}`,
    async () => {
      const disk = tinyDisk(1_500_000) as NonNullable<typeof probe>
      const ballast = join(disk.folder, "ballast")
      writeFileSync(ballast, "x".repeat(400_000))
      const driver = await open(`sqlite:${disk.folder}/stem.db`, { namespace: "test", clock })
      try {
        const stored: string[] = []
        const fill = async () => {
          for (;;) {
            const id = `task-${stored.length}`
            await driver.broker.enqueue([task(id, { input: "y".repeat(3000) })])
            stored.push(id)
          }
        }
        const full = await thrown(fill())
        expect(full).toMatchObject({ kind: "unavailable", code: "store_full" })
        expect(full.message).toContain(disk.folder)
        expect(full.hint).toBeString()
        expect(stored.length).toBeGreaterThan(20)
        expect(await driver.inspector.find([`task-${stored.length}`])).toEqual([undefined])
        rmSync(ballast)
        await driver.broker.enqueue([task("room-again")])
        const found = await driver.inspector.find([...stored, "room-again"])
        expect(found.filter((one) => one === undefined)).toEqual([])
      } finally {
        await driver.close()
        disk.remove()
      }
    },
  )

  onTinyDisk(`a file on a disk that can not be written is store_readonly${needs}`, async () => {
    const disk = tinyDisk(1_000_000) as NonNullable<typeof probe>
    const url = `sqlite:${disk.folder}/stem.db`
    try {
      await (await open(url, { namespace: "test", clock })).close()
      disk.readOnly()
      const error = await thrown(open(url, { namespace: "test", clock }))
      expect(error).toMatchObject({ kind: "unavailable", code: "store_readonly" })
      expect(error.message).toContain(disk.folder)
    } finally {
      disk.remove()
    }
  })

  test("a text file is no store, and is left as it was", async () => {
    writeFileSync(file.path, "my shopping list, which is dear to me".repeat(100))
    const error = await thrown(file.open(clock))
    expect(error).toMatchObject({ kind: "unavailable", code: "store_corrupt" })
    expect(error.message).toContain(file.path)
    expect(await Bun.file(file.path).text()).toStartWith("my shopping list")
  })

  test("a damaged file is store_corrupt in whatever call meets the damage, and in the checkup", async () => {
    const first = await file.open(clock)
    await first.broker.enqueue(Array.from({ length: 2000 }, (_, at) => task(`task-${at}`)))
    await first.close()
    const handle = openSync(file.path, "r+")
    const size = statSync(file.path).size
    for (let at = 4096 * 80; at < size; at += 4096) writeSync(handle, Buffer.alloc(2048, 0xff), 0, 2048, at)
    closeSync(handle)
    const driver = await file.open(clock)
    const drain = async () => {
      const ask = { queues: ["default"], max: 500, holder: "w", leaseMs: 1000 }
      await driver.broker.reserve(ask)
    }
    expect(await thrown(drain())).toMatchObject({ kind: "unavailable", code: "store_corrupt" })
    const findings = await driver.checkup().catch(({ code }) => [{ subject: code }])
    expect(["file", "store_corrupt"]).toContain(findings[0]?.subject as string)
  })

  test("a place where the system makes no file is store_unreachable", async () => {
    expect(await thrown(open("sqlite:/proc/stem.db", { namespace: "test", clock }))).toMatchObject({
      kind: "unavailable",
      code: "store_unreachable",
    })
  })

  test("a folder in the place of the file is store_unreachable", async () => {
    mkdirSync(file.path)
    expect(await thrown(file.open(clock))).toMatchObject({ kind: "unavailable", code: "store_unreachable" })
  })

  test("a lock that is let go in time is waited for, and the event loop goes on", async () => {
    const driver = await file.open(clock)
    holder = startChild("sqlite-child.ts", "lock", file.path)
    expect(await holder.hear()).toBe("locked")
    let stored = false
    const storing = driver.broker.enqueue([task("a")]).then(() => {
      stored = true
    })
    let turns = 0
    while (turns < 50) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      turns += 1
    }
    expect(stored).toBeFalse()
    await holder.kill()
    await storing
    expect(await driver.inspector.find(["a"])).toMatchObject([{ envelope: { id: "a" } }])
  })

  test("a lock that is never let go is store_busy after a while; reading goes on", async () => {
    const driver = await file.open(clock)
    holder = startChild("sqlite-child.ts", "lock", file.path)
    expect(await holder.hear()).toBe("locked")
    const storing = thrown(driver.broker.enqueue([task("a")]))
    expect(await driver.inspector.queues()).toEqual([])
    expect(await storing).toMatchObject({ kind: "unavailable", code: "store_busy" })
    await holder.kill()
    expect(await driver.broker.enqueue([task("a")])).toMatchObject([{ kind: "stored" }])
  }, 30_000)

  test("A file that is removed while it is open is noticed, and so is its return", async () => {
    const driver = await file.open(clock)
    await driver.broker.enqueue([task("a")])
    renameSync(file.path, `${file.path}.away`)
    const ask = { queues: ["default"], max: 1, holder: "w", leaseMs: 1000 }
    await eventually(async () =>
      expect(await thrown(driver.ping())).toMatchObject({
        kind: "unavailable",
        code: "store_gone",
      }),
    )
    const refused = await thrown(driver.broker.enqueue([task("b")]))
    expect(refused.message).toContain("was removed while it was open")
    renameSync(`${file.path}.away`, file.path)
    expect((await driver.broker.reserve(ask)).deliveries).toMatchObject([{ envelope: { id: "a" } }])
    renameSync(file.path, `${file.path}.away`)
    writeFileSync(file.path, "")
    const replaced = await eventually(async () => {
      const error = await thrown(driver.broker.enqueue([task("c")]))
      expect(error.code).toBe("store_gone")
      return error
    })
    expect(replaced.message).toContain("another file is at")
  })

  test("a store that was closed is store_closed", async () => {
    const driver = await file.open(clock)
    await driver.close()
    const ask = { queues: ["default"], max: 1, holder: "w", leaseMs: 1000 }
    const calls = [
      () => driver.broker.enqueue([task("a")]),
      () => driver.broker.reserve(ask),
      () => driver.ping(),
    ]
    for (const call of calls)
      expect(await thrown(call())).toMatchObject({ kind: "unavailable", code: "store_closed" })
  })
})
