import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { startProxy } from "../support/proxy.ts"
import { FAULTS, strike } from "./faults.ts"
import { fact, openScene, type Scene, type Worker } from "./scene.ts"
import { type StoreServer, startServer } from "./servers.ts"

/** How long a fault lasts: longer than the lease, so that leases run out under it. */
const FAULT_MS = 3000
const LEASE = "2s"
/** Work is to go on so soon after the store is back. */
const RESUME_MS = 5000

let server: StoreServer
let scene: Scene
let proxy: Awaited<ReturnType<typeof startProxy>>

describe.each(["redis", "postgres"] as const)("a worker on %s", (store) => {
  beforeEach(async () => {
    server = await startServer(store)
    proxy = await startProxy(server.port)
  })
  afterEach(async () => {
    await scene.close()
    proxy.close()
    await server.close()
  })

  test.each(FAULTS)(
    "goes on by itself after its store was %s, and nothing is lost",
    async (fault) => {
      // The workers speak through the relay; the test looks at the store directly.
      scene = await openScene({ url: server.urlAt(server.port), workers: server.urlAt(proxy.port) })
      const busy: Worker = await scene.worker(
        "--lease",
        LEASE,
        "--concurrency",
        "8",
        "--queues",
        "default,long",
      )
      const idle: Worker = await scene.worker("--lease", LEASE, "--concurrency", "2", "--queues", "quiet")
      // Settling all the time, and renewing all the time.
      const short = await scene.enqueue("work", 200, { ms: 150 })
      const long = await scene.enqueue("work", 2, { ms: 5000 }, { queue: "long" })
      await fact(() => scene.journal().length > 30, 15_000, "work is under way")
      const before = scene.journal().length

      const heal = await strike(fault, server, proxy)
      await Bun.sleep(FAULT_MS)
      await heal()
      const healed = Date.now()

      const during = scene.journal().length
      const [waiting] = await retry(() => scene.enqueue("work", 1, { ms: 1 }, { queue: "quiet" }))
      await fact(
        () => scene.journal().some(({ id }) => id === waiting),
        RESUME_MS + 1000,
        () => `the idle worker is back; it said:
${idle.log()}`,
      )
      const idleMs = Date.now() - healed
      await fact(
        () => scene.journal().length > during + 5,
        RESUME_MS + 1000,
        () => `the busy worker is back; it said:\n${busy.log()}`,
      )
      const busyMs = Date.now() - healed

      const statuses = await scene.ended([...short, ...long, waiting as string], 40_000)
      for (const status of statuses) {
        expect(status).toMatchObject({ state: "succeeded" })
        expect((status.result as { token: number }).token).toBe(status.token)
      }
      const runs = scene.journal().length
      console.log(
        `${store} ${fault}: ${statuses.length} tasks, ${before} runs begun before, ${runs - statuses.length} duplicates, ` +
          `idle worker back after ${idleMs} ms, busy one after ${busyMs} ms`,
      )
      expect(Math.max(idleMs, busyMs)).toBeLessThanOrEqual(RESUME_MS)
      // What ran or was about to be settled at the fault, and nothing else, may run twice.
      expect(runs - statuses.length).toBeLessThanOrEqual(2 * 8)
      expect([busy.process.exitCode, idle.process.exitCode]).toEqual([null, null])
      expect(busy.log().match(/"store_lost"/g)?.length ?? 0).toBeLessThanOrEqual(3)
    },
    90_000,
  )
})

/** The test's own connection may have died with the store. */
async function retry<T>(act: () => Promise<T>): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await act()
    } catch (error) {
      if (n >= 40) throw error
      await Bun.sleep(100)
    }
  }
}
