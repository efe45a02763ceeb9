import { inChild } from "../child.ts"
import type { Place, Stage } from "../places.ts"
import { atMost, type Row } from "../report.ts"
import type { Measure } from "../run.ts"

const MIB = 2 ** 20
/** How much may be gained over the second half; the first is for warming up. */
const GROWTH = 1.1

const few = (tasks: number) => tasks.toLocaleString("en-US")

/** The supervisor's memory over a long run, and what the store takes before it, with it and after it. */
export const memory: Measure = async ({ backlog: tasks, concurrency }, stage) =>
  stage.inPlace(async (place) => {
    const { store, sizeOf } = stage
    const row = (measure: string, of: string, unit: string, sample: number): Row => ({
      ...{ measure, of, unit, samples: [sample] },
    })
    const size = (of: string, bytes: number) => row(`size of ${store}`, of, "MiB", bytes / MIB)

    await inChild("systems/stem.ts", "fill", place, 1)
    const empty = await sizeOf(place)
    await inChild("systems/stem.ts", "fill", place, tasks - 1)
    const waiting = await sizeOf(place)
    const rss = await inChild<number[]>("systems/stem-worker.ts", "memoryWhile", place, tasks, concurrency)
    const after = (part: number) => rss[Math.round(part * 10) - 1] ?? Number.NaN
    const kept = await sizeOf(place)
    const [once, twice] = await pruned(stage, place, tasks, concurrency)

    const memoryOf = "memory of the supervisor"
    return {
      rows: [
        ...[0.1, 0.5, 1].map((part) => row(memoryOf, `after ${few(part * tasks)} tasks`, "MiB", after(part))),
        atMost(row(memoryOf, "the end / the middle", "times", after(1) / after(0.5)), GROWTH),
        size("empty", empty),
        size(`${few(tasks)} waiting`, waiting),
        row(`size of ${store}`, "one that waits", "bytes", (waiting - empty) / tasks),
        size("all results kept", kept),
        row(`size of ${store}`, "one result", "bytes", (kept - empty) / tasks),
        size("all pruned", once),
        size("all pruned, after as many again", twice),
        atMost(row(`size of ${store}`, "after as many again / before", "times", twice / once), GROWTH),
      ],
    }
  })

/** The size once all is pruned, and once as many more tasks have come, ended and been pruned. */
async function pruned({ sizeOf, tidy }: Stage, place: Place, tasks: number, concurrency: number) {
  const prune = async () => {
    await inChild("systems/stem-prune.ts", "pruneAll", place)
    await tidy(place)
    await inChild("systems/stem-prune.ts", "giveBack", place)
    return sizeOf(place)
  }
  const once = await prune()
  await inChild("systems/stem.ts", "fill", place, tasks)
  await tidy(place)
  await inChild("systems/stem-worker.ts", "memoryWhile", place, tasks, concurrency)
  return [once, await prune()] as const
}
