import { afterEach, beforeEach, expect, test } from "bun:test"
import { systemClock as clock } from "../../src/runtime/clock.ts"
import { type Child, startChild } from "../support/child.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type SqliteFile, sqliteFile } from "../support/sqlite-file.ts"

const task = tasksBy(clock)
let file: SqliteFile
let children: Child[]

beforeEach(() => {
  file = sqliteFile()
  children = []
})
afterEach(async () => {
  for (const child of children) await child.kill()
  await file.remove()
})

const start = (role: string) => {
  const child = startChild("sqlite-child.ts", role, file.path)
  children.push(child)
  return child
}

test("several processes that open a fresh file at once make one store", async () => {
  const opening = Array.from({ length: 5 }, () => start("open"))
  expect(await Promise.all(opening.map(({ exited }) => exited))).toEqual([0, 0, 0, 0, 0])
  const { inspector } = await file.open(clock)
  expect(await inspector.list({ limit: 10 })).toHaveLength(5)
}, 30_000)

test("processes that drain one file never take the same task, and leave none", async () => {
  const { broker, inspector } = await file.open(clock)
  const ids = Array.from({ length: 600 }, (_, at) => `task-${at}`)
  await broker.enqueue(ids.map((id) => task(id)))
  const taken = await Promise.all([1, 2, 3].map(async () => (await start("drain").hearAll()).slice(1)))
  const all = taken.flat(2) as string[]
  console.log(`600 tasks in 3 processes: ${taken.map((of) => of.flat().length).join(" + ")}`)
  expect(all).toHaveLength(600)
  expect(new Set(all)).toEqual(new Set(ids))
  expect(await inspector.ended()).toMatchObject({ succeeded: 600 })
}, 30_000)

test("kill -9 between and within commits loses nothing that was acknowledged", async () => {
  let acknowledged: string[] = []
  for (let round = 0; round < 5; round++) {
    const child = start("enqueue")
    const said: unknown[] = []
    while (said.length < 20 + round) said.push(await child.hear())
    await child.kill()
    said.push(...(await child.hearAll()))
    acknowledged = acknowledged.concat(said.flat() as string[])
    const { inspector, close } = await file.open(clock)
    const found = await inspector.find(acknowledged)
    expect(found.filter((one) => one === undefined)).toEqual([])
    expect(file.behind((db) => db.query("PRAGMA integrity_check").get())).toEqual({ integrity_check: "ok" })
    await close()
  }
  console.log(`5 kills, ${new Set(acknowledged).size} tasks acknowledged, none lost`)
}, 60_000)

test("a worker asleep in another process takes a task within milliseconds of its commit", async () => {
  const { broker } = await file.open(clock)
  const child = start("wait")
  const delays: number[] = []
  for (let at = 0; at < 40; at++) {
    expect(await child.hear()).toBe("asleep")
    await broker.enqueue([task(`task-${at}`)])
    const stored = performance.timeOrigin + performance.now()
    const heard = (await child.hear()) as { id: string; at: number }
    expect(heard.id).toBe(`task-${at}`)
    delays.push(heard.at - stored)
  }
  delays.sort((a, b) => a - b)
  const [p50 = 0, p95 = 0] = [delays[20], delays[38]]
  console.log(`pickup by another process: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`)
  expect(p50).toBeLessThan(50)
}, 30_000)
