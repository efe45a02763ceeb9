import { afterEach, describe, expect, test } from "bun:test"
import { judgeChords, sendChords } from "./chords.ts"
import { fact, openScene, type Scene, type Worker } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

const CHORDS = 24
const FLAGS = ["--lease", "1s", "--concurrency", "8", "--isolates", "2"]
/** Stores whose flows are tried by faults. */
const STORES = ["sqlite", "redis", "postgres"] as const

const goesOn = async (runs: number) => {
  const before = scene.journal().length
  await fact(() => scene.journal().length > before + runs || before >= CHORDS * 8, 20_000, "work goes on")
}

describe.each([...STORES])("chords on %s", (store) => {
  test("every chord ends once while workers are killed", async () => {
    scene = await openScene(store)
    const chords = await sendChords(scene, CHORDS)
    const workers: Worker[] = [await scene.worker(...FLAGS), await scene.worker(...FLAGS)]
    for (let n = 0; n < 8; n++) {
      await goesOn(8)
      ;(workers[n % 2] as Worker).kill("SIGKILL")
      workers[n % 2] = await scene.worker(...FLAGS)
    }
    const runs = await judgeChords(scene, chords, 60_000)
    console.log(`${store}, worker SIGKILL: ${CHORDS} chords of 8, 8 kills, ${runs} runs, each ended once`)
  }, 180_000)

  test("every chord ends once while isolates are killed", async () => {
    scene = await openScene(store)
    const chords = await sendChords(scene, CHORDS)
    const worker = await scene.worker(...FLAGS)
    let kills = 0
    for (let n = 0; n < 12; n++) {
      await goesOn(6)
      const [victim] = worker.isolates()
      if (victim === undefined) continue
      process.kill(victim, "SIGKILL")
      kills++
    }
    const runs = await judgeChords(scene, chords, 60_000)
    console.log(
      `${store}, isolate SIGKILL: ${CHORDS} chords of 8, ${kills} kills, ${runs} runs, each ended once`,
    )
    expect(kills).toBeGreaterThan(3)
  }, 180_000)

  test("every chord ends once while workers stand still past their leases", async () => {
    scene = await openScene(store)
    const chords = await sendChords(scene, CHORDS)
    const workers = [await scene.worker(...FLAGS), await scene.worker(...FLAGS)]
    for (let n = 0; n < 3; n++) {
      await goesOn(8)
      const victim = workers[n % 2] as Worker
      victim.kill("SIGSTOP")
      await Bun.sleep(2000)
      victim.kill("SIGCONT")
    }
    const runs = await judgeChords(scene, chords, 60_000)
    console.log(`${store}, worker SIGSTOP: ${CHORDS} chords of 8, 3 stops, ${runs} runs, each ended once`)
  }, 180_000)
})
