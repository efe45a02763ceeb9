import { Database } from "bun:sqlite"
import { afterEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { startProxy } from "../support/proxy.ts"
import { type Beats, beatsOf } from "./beats.ts"
import { FAULTS, strike } from "./faults.ts"
import { fact, openScene, type Scene } from "./scene.ts"
import { type StoreServer, startServer } from "./servers.ts"

/** Longer than a Beat holds what it decides. */
const FAULT_MS = 6000
/** Firing is to go on so soon after the store is back. */
const RESUME_MS = 5000

let scene: Scene
let beats: Beats
const rest: (() => unknown)[] = []
afterEach(async () => {
  await beats.close()
  await scene.close()
  for (const end of rest.splice(0)) await end()
})

/** Lets two Beats fire, does harm to their store, and counts what they fire then. */
async function through(label: string, harm: () => Promise<() => Promise<void> | void>): Promise<void> {
  beats = await beatsOf(scene)
  const team = [
    beats.start("beat"),
    beats.start("worker", "--shell", "--beat", "--queues", "none", "--isolates", "1"),
  ]
  await fact(async () => (await beats.fired()) > 1, 20_000, "the first firings")
  const heal = await harm()
  await Bun.sleep(FAULT_MS)
  await heal()
  const healed = performance.now()
  const seen: number[] = []
  const goesOn = async () => {
    seen.push(await beats.fired())
    return seen.at(-1) !== seen[0]
  }
  // The test's own connection may have died with the store.
  await fact(() => goesOn().catch(() => false), RESUME_MS, "firing goes on")
  const resumedMs = Math.round(performance.now() - healed)
  await beats.count(`${label}: on again after ${resumedMs} ms`)
  expect(resumedMs).toBeLessThanOrEqual(RESUME_MS)
  // Nobody has restarted them.
  expect(team.map(({ exitCode }) => exitCode)).toEqual([null, null])
}

describe.each(["redis", "postgres"] as const)("two Beats on %s", (store) => {
  test.each(FAULTS)(
    "fire each instant once though their store was %s",
    async (fault) => {
      const server: StoreServer = await startServer(store)
      rest.push(server.close)
      const proxy = await startProxy(server.port)
      rest.unshift(proxy.close)
      scene = await openScene({ url: server.urlAt(server.port), workers: server.urlAt(proxy.port) })
      await through(`${store} ${fault}`, () => strike(fault, server, proxy))
    },
    90_000,
  )
})

test("two Beats on one SQLite file fire each instant once though another process held it locked", async () => {
  scene = await openScene("sqlite")
  await through("sqlite locked", async () => {
    const other = new Database(join(scene.folder, "stem.db"))
    other.run("BEGIN IMMEDIATE")
    return () => {
      other.run("COMMIT")
      other.close()
    }
  })
}, 90_000)

test("two Beats on one SQLite file fire each instant once though it could not be written", async () => {
  scene = await openScene("sqlite")
  await through("sqlite refusing to write", async () => {
    const desk = new Database(join(scene.folder, "stem.db"))
    // The Beats write meanwhile.
    desk.run("PRAGMA busy_timeout = 5000")
    for (const verb of ["INSERT", "UPDATE"])
      desk.run(
        `CREATE TRIGGER refuse_${verb} BEFORE ${verb} ON schedules BEGIN SELECT RAISE(ABORT, 'no room'); END`,
      )
    return () => {
      for (const verb of ["INSERT", "UPDATE"]) desk.run(`DROP TRIGGER refuse_${verb}`)
      desk.close()
    }
  })
}, 90_000)
