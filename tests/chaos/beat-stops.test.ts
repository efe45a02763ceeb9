import { afterEach, describe, expect, test } from "bun:test"
import { stemCommand } from "../support/executable.ts"
import { seededRandom } from "../support/random.ts"
import { type Beats, beatsOf } from "./beats.ts"
import { fact, openScene, type Scene, STORES } from "./scene.ts"

let scene: Scene
let beats: Beats
afterEach(async () => {
  await beats.close()
  await scene.close()
})

const ROUNDS = Number(process.env.STEM_CHAOS_STOPS ?? 2)
const random = seededRandom(Number(process.env.STEM_CHAOS_SEED ?? 12))
/** Longer than a Beat holds what it decides. */
const PAST_LEASE_MS = 6500

/** What `stem health --worker NAME` exits with. */
async function health(name: string): Promise<number> {
  const cmd = [...stemCommand(), "health", "--worker", name]
  const asked = Bun.spawn({ cmd, cwd: scene.folder, env: scene.env, stdio: ["ignore", "ignore", "ignore"] })
  return asked.exited
}

describe.each(STORES)("schedules on %s", (store) => {
  test("a Beat that stands still fails its health, and another fires on", async () => {
    scene = await openScene(store)
    beats = await beatsOf(scene)
    const stuck = beats.start("beat", "--name", "stuck")
    await fact(async () => (await health("stuck")) === 0, 20_000, "it shows itself")
    stuck.kill("SIGSTOP")
    await fact(async () => (await health("stuck")) === 1, 25_000, "it is taken for gone")
    const before = await beats.fired()
    beats.start()
    await fact(async () => (await beats.fired()) > before + 3, 20_000, "another fires")
    stuck.kill("SIGCONT")
    await fact(async () => (await health("stuck")) === 0, 20_000, "it is back")
    await beats.count(`${store}, one Beat stopped until it was taken for gone`)
  }, 90_000)

  test("a Beat or a worker with --beat that is stopped past its lease, or killed, doubles nothing", async () => {
    scene = await openScene(store)
    beats = await beatsOf(scene)
    const worker = ["worker", "--shell", "--beat", "--queues", "none", "--isolates", "1"]
    const starts = [["beat"], worker]
    const team = starts.map((words) => beats.start(...words))
    await fact(async () => (await beats.fired()) > 2, 20_000, "the first firings")
    for (let n = 0; n < ROUNDS * 2; n++) {
      const one = team[n % 2] as Bun.Subprocess
      // Around an instant, where it claims and commits.
      await Bun.sleep(998 - (scene.stores.clock.now() % 1000) + Math.floor(random() * 10))
      one.kill("SIGSTOP")
      await Bun.sleep(PAST_LEASE_MS)
      one.kill("SIGCONT")
    }
    team[1]?.kill("SIGKILL")
    const before = await beats.fired()
    await fact(async () => (await beats.fired()) > before, 20_000, "the other goes on")
    expect(team[0]?.exitCode).toBeNull()
    await beats.count(`${store}, ${ROUNDS * 2} times stopped past the lease, one worker killed`)
  }, 180_000)
})
