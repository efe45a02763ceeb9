import { afterEach, describe, test } from "bun:test"
import { seededRandom } from "../support/random.ts"
import { type Beats, beatsOf } from "./beats.ts"
import { fact, openScene, type Scene, STORES } from "./scene.ts"

let scene: Scene
let beats: Beats
afterEach(async () => {
  await beats.close()
  await scene.close()
})

/** A minute of it: STEM_CHAOS_KILLS=60. */
const KILLS = Number(process.env.STEM_CHAOS_KILLS ?? 6)
const random = seededRandom(Number(process.env.STEM_CHAOS_SEED ?? 11))

const PAIRS = STORES.flatMap((broker) => STORES.map((schedules) => [broker, schedules] as const))

describe.each(PAIRS)("tasks on %s, schedules on %s", (broker, planned) => {
  test("two Beats and a kill every second fire each instant of a one-second schedule once", async () => {
    scene = await openScene(broker, planned)
    beats = await beatsOf(scene)
    const { clock } = scene.stores
    const team = [beats.start(), beats.start()]
    await fact(async () => (await beats.fired()) > 0, 20_000, "the first firing")
    for (let n = 0; n < KILLS; n++) {
      // Anywhere between two instants, and right at one.
      await Bun.sleep(
        n % 3 === 0 ? 1000 - (clock.now() % 1000) + Math.floor(random() * 12) : 500 + random() * 1000,
      )
      const at = n % 2
      team[at]?.kill("SIGKILL")
      team[at] = beats.start()
    }
    await beats.count(`tasks on ${broker}, schedules on ${planned}, ${KILLS} kills`)
  }, 180_000)
})
