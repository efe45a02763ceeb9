import { afterEach, beforeEach, describe, test } from "bun:test"
import { startProxy } from "../support/proxy.ts"
import { judgeChords, sendChords } from "./chords.ts"
import { FAULTS, strike } from "./faults.ts"
import { fact, openScene, type Scene } from "./scene.ts"
import { type StoreServer, startServer } from "./servers.ts"

const FAULT_MS = 2500
const CHORDS = 24

let server: StoreServer
let scene: Scene
let proxy: Awaited<ReturnType<typeof startProxy>>

/** Stores with servers whose flows are tried by faults. */
const STORES = ["redis", "postgres"] as const

describe.each([...STORES])("chords on %s", (store) => {
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
    "every chord ends once though its store was %s",
    async (fault) => {
      scene = await openScene({ url: server.urlAt(server.port), workers: server.urlAt(proxy.port) })
      const chords = await sendChords(scene, CHORDS)
      await scene.worker("--lease", "2s", "--concurrency", "8")
      await fact(() => scene.journal().length > 40, 15_000, "work is under way")
      const heal = await strike(fault, server, proxy)
      await Bun.sleep(FAULT_MS)
      await heal()
      const runs = await judgeChords(scene, chords, 60_000)
      console.log(`${store} ${fault}: ${CHORDS} chords of 8, ${runs} runs, each ended once`)
    },
    120_000,
  )
})
